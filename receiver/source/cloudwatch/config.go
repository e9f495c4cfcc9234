// Package cloudwatch reads the logs that Amazon RDS, Aurora and Redshift write to CloudWatch Logs.
package cloudwatch

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configaws"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
)

// Config is the block `cloudwatch` of the receiver.
type Config struct {
	configaws.ClientConfig `mapstructure:",squash"`

	// LogGroups are read: names such as /aws/rds/instance/orders/postgresql, or ARNs of groups in linked accounts.
	LogGroups []string `mapstructure:"log_groups"`
	// StreamPrefixes select the streams of those groups; none is all of them.
	StreamPrefixes []string `mapstructure:"stream_prefixes"`
	// FilterPattern is CloudWatch's own, for events that shall not be fetched; empty fetches all.
	FilterPattern string `mapstructure:"filter_pattern"`

	// Format is `auto`, which looks at the content of each stream, or a format as its maker spells it: csvlog.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the zone of times that carry none.
	Timezone string `mapstructure:"timezone"`
	// LogLinePrefix is PostgreSQL's setting of that name, for stderr; empty is one of those that servers come with.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// UndecidedAfter is how long an authorized login is held back where only the absence of a refusal proves it.
	UndecidedAfter time.Duration `mapstructure:"undecided_after"`

	// CollectionInterval is how often each stream is asked for what is new.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// Overlap is how much of a stream, before its newest event, is asked for again, for events that arrive late.
	Overlap time.Duration `mapstructure:"overlap"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest record; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// Initial is where streams begin that are there at the very first start: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
}

const (
	initialBeginning = "beginning"
	initialEnd       = "end"
)

// DefaultConfig has no log groups: those must be written.
func DefaultConfig() Config {
	return Config{
		Format:             formats.Auto,
		UndecidedAfter:     10 * time.Second,
		CollectionInterval: 30 * time.Second,
		Overlap:            10 * time.Minute,
		BatchSize:          8192,
		MaxLineBytes:       16 << 20,
		Initial:            initialBeginning,
	}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	_, zoneErr := formats.LoadZone(c.Timezone)
	errs := []error{c.Check(), c.checkNames(), formats.CheckName(c.Format), zoneErr, formats.CheckLinePrefix(c.LogLinePrefix)}
	for key, d := range map[string]time.Duration{
		"collection_interval": c.CollectionInterval, "overlap": c.Overlap, "undecided_after": c.UndecidedAfter,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: must be longer than 0, as 30s", key))
		}
	}
	if c.BatchSize < 1 {
		errs = append(errs, errors.New("batch_size: must be 1 or more"))
	}
	if c.MaxLineBytes < 1024 {
		errs = append(errs, errors.New("max_line_bytes: must be 1024 or more"))
	}
	if c.Initial != initialBeginning && c.Initial != initialEnd {
		errs = append(errs, fmt.Errorf("initial: %q is not known: write beginning or end", c.Initial))
	}
	return errors.Join(errs...)
}

func (c Config) checkNames() error {
	var errs []error
	if len(c.LogGroups) == 0 {
		errs = append(errs, errors.New("log_groups: required: list the log groups to read, as [/aws/rds/instance/orders/postgresql]"))
	}
	seen := map[string]bool{}
	for i, group := range c.LogGroups {
		switch {
		case group == "" || strings.ContainsAny(group, "* "):
			errs = append(errs, fmt.Errorf("log_groups[%d]: %q is not a name: write it whole, as `aws logs describe-log-groups` shows it", i, group))
		case seen[group]:
			errs = append(errs, fmt.Errorf("log_groups[%d]: %s is written twice", i, group))
		}
		seen[group] = true
	}
	for i, prefix := range c.StreamPrefixes {
		if prefix == "" || strings.ContainsAny(prefix, ":*") {
			errs = append(errs, fmt.Errorf("stream_prefixes[%d]: %q is not the beginning of a stream's name: leave the key out to read all streams", i, prefix))
		}
	}
	return errors.Join(errs...)
}

// DefaultInstance is the first log group. Records bear the name of the server that wrote a stream, where the group's name tells it.
func (c Config) DefaultInstance() string {
	if len(c.LogGroups) == 0 {
		return ""
	}
	return c.LogGroups[0]
}
