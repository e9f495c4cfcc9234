package postgresql

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// Config is the block `postgresql` of the exporter.
type Config struct {
	configpostgresql.ClientConfig `mapstructure:",squash"`
	// Schema holds the tables and views; it must exist. Empty: the first one of the account's search_path.
	Schema string `mapstructure:"schema"`
	// TablePrefix precedes the names of all tables, views and indexes.
	TablePrefix string `mapstructure:"table_prefix"`
	// TTL is how long a record is kept, by the time of its event; 0 is for ever. Whole months are dropped, so that a record
	// stays up to a month longer.
	TTL time.Duration `mapstructure:"ttl"`
	// TTLConfirm lets a ttl that is new, or shorter than before, delete more than half of a table.
	TTLConfirm bool `mapstructure:"ttl_confirm"`
	// CreateSchema makes and migrates tables and views at start, and makes and drops partitions.
	CreateSchema bool `mapstructure:"create_schema"`
	// MaxConnections is how many batches are written at the same time, each over a connection of its own.
	MaxConnections int `mapstructure:"max_connections"`
	// STLConnectionLog shapes the views stl_connection_log and sys_connection_log.
	STLConnectionLog backend.STLConnectionLogConfig `mapstructure:"stl_connection_log"`
	// Sessions shapes the view sessions.
	Sessions backend.SessionsConfig `mapstructure:"sessions"`
}

// DefaultConfig keeps everything. Endpoints and username must be written.
func DefaultConfig() Config {
	return Config{
		ClientConfig:   configpostgresql.DefaultClientConfig(),
		CreateSchema:   true,
		MaxConnections: 4,
		Sessions:       backend.DefaultSessionsConfig(),
	}
}

// Identifiers are written without quotes, so they are as PostgreSQL folds them; the prefix leaves room for the longest
// name (63 bytes).
var (
	prefixPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,30}$`)
	schemaPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
)

// Validate names the key that is wrong and what may be there.
func (cfg Config) Validate() error {
	errs := []error{cfg.Check()}
	if p := cfg.TablePrefix; p != "" && (!prefixPattern.MatchString(p) || strings.HasPrefix(p, "pg_")) {
		errs = append(errs, errors.New("table_prefix: may hold up to 31 small letters, digits and underscores, begins with no digit and not with pg_"))
	}
	if s := cfg.Schema; s != "" && !schemaPattern.MatchString(s) {
		errs = append(errs, errors.New("schema: may hold up to 63 small letters, digits and underscores, and begins with no digit"))
	}
	if cfg.MaxConnections < 1 || cfg.MaxConnections > 100 {
		errs = append(errs, errors.New("max_connections: must be 1 to 100"))
	}
	errs = append(errs, backend.CheckTTL(cfg.TTL), backend.NotNegative("sessions::assumed_closed_after", cfg.Sessions.AssumedClosedAfter))
	return errors.Join(errs...)
}
