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

// Config is the block `postgresql` of the receiver. README.md explains every key.
type Config struct {
	configpostgresql.ClientConfig `mapstructure:",squash"`

	Format             string        `mapstructure:"format"`
	Timezone           string        `mapstructure:"timezone"`
	LogLinePrefix      string        `mapstructure:"log_line_prefix"`
	CollectionInterval time.Duration `mapstructure:"collection_interval"`
	UndecidedAfter     time.Duration `mapstructure:"undecided_after"`
	BatchSize          int           `mapstructure:"batch_size"`
	MaxLineBytes       int           `mapstructure:"max_line_bytes"`
	Initial            string        `mapstructure:"initial"`
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
