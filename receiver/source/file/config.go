// Package file reads authentication events from files, plain or compressed, once or for as long as they grow: exports of
// ClickHouse's system.session_log and the logs of servers. A format is a parser of package logformat; package formats lists
// them.
package file

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// Config is the block `file` of the receiver.
type Config struct {
	// Include are the files: paths or globs, where ** stands for any number of folders.
	Include []string `mapstructure:"include"`
	// Exclude are globs of files that Include matches and that shall not be read.
	Exclude []string `mapstructure:"exclude"`
	// Format is `auto`, which looks at the content of each file, or a format as its maker spells it: JSONEachRow.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the zone of times that carry none: that of the server which wrote the export.
	Timezone string `mapstructure:"timezone"`
	// Follow goes on reading what is appended, and new files; otherwise each file is read once to its end.
	Follow bool `mapstructure:"follow"`
	// PollInterval is how often the folder is looked at.
	PollInterval time.Duration `mapstructure:"poll_interval"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest row; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// LogLinePrefix is PostgreSQL's setting of that name, for its stderr format; empty tries those that servers come with.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// UndecidedAfter is how long an authorized login is held back where only the absence of a refusal proves it (PostgreSQL).
	UndecidedAfter time.Duration `mapstructure:"undecided_after"`
	// Initial is where files begin that are there at the very first start: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
}

// DefaultConfig is everything but Include, and Timezone where the files need it.
func DefaultConfig() Config {
	return Config{
		Format:       formats.Auto,
		Follow:       true,
		PollInterval: time.Second,
		BatchSize:    1024,
		MaxLineBytes: 16 << 20,

		UndecidedAfter: 10 * time.Second,
		Initial:        source.InitialBeginning,
	}
}

// Validate names the key and the remedy.
func (c Config) Validate() error {
	errs := []error{validateGlobs("include", c.Include), validateGlobs("exclude", c.Exclude)}
	if len(c.Include) == 0 {
		errs = append(errs, errors.New("include: required: list the files or globs to read, as [/var/lib/export/session_log*.jsonl]"))
	}
	_, zoneErr := formats.LoadZone(c.Timezone)
	errs = append(errs, formats.CheckName(c.Format), zoneErr)
	if err := formats.CheckLinePrefix(c.LogLinePrefix); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, source.CheckDuration("poll_interval", c.PollInterval, "1s"), source.CheckSizes(c.BatchSize, c.MaxLineBytes), source.CheckDuration("undecided_after", c.UndecidedAfter, "10s"), source.CheckInitial(c.Initial))
	return errors.Join(errs...)
}

func validateGlobs(key string, globs []string) error {
	for i, glob := range globs {
		if glob == "" || !doublestar.ValidatePathPattern(glob) {
			return fmt.Errorf("%s[%d]: %q is not a path or glob: * and ? match within a name, ** folders, [a-z] and {a,b} alternatives", key, i, glob)
		}
	}
	return nil
}

// DefaultInstance is this machine's name and the first include, so that one configuration can serve a fleet. A stable name of the
// server itself is better: then its rows have the same ids when they come out of another file, over SQL, or from a container,
// whose name is made anew with it.
func (c Config) DefaultInstance() string {
	if len(c.Include) == 0 {
		return ""
	}
	host, err := os.Hostname()
	if err != nil || host == "" {
		return c.Include[0]
	}
	return host + ":" + c.Include[0]
}
