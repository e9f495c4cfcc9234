// Package postgresql reads PostgreSQL's server log over SQL, where the collector has no access to the server's files: through
// a function that lets an account read the log files and nothing else ([InstallSQL]).
package postgresql

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// InstallSQL makes the functions that the source reads through. A superuser runs it once, in the database of the
// configuration.
//
//go:embed install.sql
var InstallSQL string

// Config is the block `postgresql` of the receiver.
type Config struct {
	configpostgresql.ClientConfig `mapstructure:",squash"`

	// Format is `auto`, which asks the server and prefers jsonlog to csvlog to stderr, or one of these.
	Format string `mapstructure:"format"`
	// Timezone is the IANA name of the server's log_timezone; empty asks the server.
	Timezone string `mapstructure:"timezone"`
	// LogLinePrefix is the server's setting of that name, for stderr; empty asks the server.
	LogLinePrefix string `mapstructure:"log_line_prefix"`
	// CollectionInterval is how often the log folder is looked at.
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	// UndecidedAfter is how long an authorized login is held back where only the absence of a refusal proves it.
	UndecidedAfter time.Duration `mapstructure:"undecided_after"`
	// BatchSize is the most events that are handed on together.
	BatchSize int `mapstructure:"batch_size"`
	// MaxLineBytes is the longest record; a longer one is skipped and counted.
	MaxLineBytes int `mapstructure:"max_line_bytes"`
	// Initial is where log files begin that are there at the very first start: `beginning` or `end`.
	Initial string `mapstructure:"initial"`
}

const (
	formatAuto = "auto"
)

// The formats, as log_destination names them, the best first: stderr lacks what log_line_prefix leaves out.
var logFormats = []string{"jsonlog", "csvlog", "stderr"}

// DefaultConfig has no endpoints and no user: those must be written.
func DefaultConfig() Config {
	return Config{
		ClientConfig:       configpostgresql.DefaultClientConfig(),
		Format:             formatAuto,
		CollectionInterval: 10 * time.Second,
		UndecidedAfter:     10 * time.Second,
		BatchSize:          8192,
		MaxLineBytes:       16 << 20,
		Initial:            source.InitialBeginning,
	}
}

// Validate names the key and the remedy of everything that is wrong.
func (c Config) Validate() error {
	errs := []error{c.Check()}
	if c.Format != formatAuto && !slices.Contains(logFormats, c.Format) {
		errs = append(errs, fmt.Errorf("format: %q is not known: write auto or one of %s", c.Format, strings.Join(logFormats, ", ")))
	}
	if _, err := c.logTimeZone(""); err != nil {
		errs = append(errs, err)
	}
	if err := formats.CheckLinePrefix(c.LogLinePrefix); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, source.CheckDuration("collection_interval", c.CollectionInterval, "10s"), source.CheckDuration("undecided_after", c.UndecidedAfter, "10s"), source.CheckSizes(c.BatchSize, c.MaxLineBytes), source.CheckInitial(c.Initial))
	return errors.Join(errs...)
}

// logTimeZone is the one that is written, else the server's. One that is no IANA name is nil where the server says so: times then
// need the key.
func (c Config) logTimeZone(server string) (*time.Location, error) {
	name := c.Timezone
	if name == "" {
		name = server
	}
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	switch {
	case err == nil && !strings.EqualFold(name, "local"):
		return zone, nil
	case c.Timezone == "":
		return nil, nil
	}
	return nil, fmt.Errorf("timezone: %q is not an IANA name: write the server's zone as SHOW log_timezone names it, for example UTC or Asia/Kolkata", c.Timezone)
}

// DefaultInstance is host:port of the first endpoint.
func (c Config) DefaultInstance() string { return c.FirstHost() }
