package sqlite

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// Config is the block `sqlite` of the exporter.
type Config struct {
	// Path of the database file. Its folder is made when it is missing. Beside it are <path>-wal and <path>-shm.
	Path string `mapstructure:"path"`
	// TTL is how long a record is kept, by the time of its event; 0 is for ever.
	TTL time.Duration `mapstructure:"ttl"`
	// TTLConfirm lets a ttl that is new, or shorter than before, delete more than half of a table.
	TTLConfirm bool `mapstructure:"ttl_confirm"`
	// CreateSchema makes and migrates tables and views at start.
	CreateSchema bool `mapstructure:"create_schema"`
	// TablePrefix precedes the names of all tables, views and indexes.
	TablePrefix string `mapstructure:"table_prefix"`
	// Synchronous is full (a commit survives a loss of power) or normal (it survives a crash of the program only).
	Synchronous Synchronous `mapstructure:"synchronous"`
	// BusyTimeout is how long to wait for another process that holds the write lock before the batch is tried again.
	BusyTimeout time.Duration `mapstructure:"busy_timeout"`
	// STLConnectionLog shapes the view stl_connection_log.
	STLConnectionLog backend.STLConnectionLogConfig `mapstructure:"stl_connection_log"`
	// Sessions shapes the view sessions.
	Sessions backend.SessionsConfig `mapstructure:"sessions"`
}

// Synchronous names what a commit survives.
type Synchronous string

// The levels.
const (
	SynchronousFull   Synchronous = "full"
	SynchronousNormal Synchronous = "normal"
)

// DefaultConfig is durable and keeps everything.
func DefaultConfig() Config {
	return Config{
		Path:         "session_log.db",
		CreateSchema: true,
		Synchronous:  SynchronousFull,
		BusyTimeout:  5 * time.Second,
		Sessions:     backend.DefaultSessionsConfig(),
	}
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Validate names the key that is wrong and what may be there.
func (cfg Config) Validate() error {
	var errs []error
	switch {
	case cfg.Path == "":
		errs = append(errs, errors.New(`path: must name a file, for example "session_log.db"`))
	case cfg.Path == ":memory:" || strings.HasPrefix(cfg.Path, "file:"):
		errs = append(errs, errors.New("path: must be the path of a file; a database in memory keeps nothing, and a file: URI is not read"))
	case strings.ContainsRune(cfg.Path, 0):
		errs = append(errs, errors.New("path: must not hold a NUL byte"))
	}
	if p := cfg.TablePrefix; p != "" && (!prefixPattern.MatchString(p) || strings.HasPrefix(strings.ToLower(p), "sqlite_")) {
		errs = append(errs, errors.New("table_prefix: may hold letters, digits and underscores, begins with no digit and not with sqlite_"))
	}
	if cfg.Synchronous != SynchronousFull && cfg.Synchronous != SynchronousNormal {
		errs = append(errs, fmt.Errorf("synchronous: must be %s or %s", SynchronousFull, SynchronousNormal))
	}
	errs = append(errs, backend.CheckTTL(cfg.TTL), backend.NotNegative("busy_timeout", cfg.BusyTimeout),
		backend.NotNegative("sessions::assumed_closed_after", cfg.Sessions.AssumedClosedAfter))
	return errors.Join(errs...)
}
