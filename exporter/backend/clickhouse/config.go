package clickhouse

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// Config is the block `clickhouse` of the exporter.
type Config struct {
	configclickhouse.ClientConfig `mapstructure:",squash"`
	// Cluster names a cluster of the server's configuration: tables are Replicated on each of its nodes, and Distributed over them.
	Cluster string `mapstructure:"cluster"`
	// Quorum is how many replicas of a shard must have a record before it counts as written: auto (more than half of them) or
	// a number. Only with cluster.
	Quorum string `mapstructure:"quorum"`
	// TablePrefix precedes the names of all tables and views.
	TablePrefix string `mapstructure:"table_prefix"`
	// TTL is how long a record is kept, by the time of its event; 0 is for ever.
	TTL time.Duration `mapstructure:"ttl"`
	// TTLConfirm lets a ttl that is new, or shorter than before, delete more than half of a table.
	TTLConfirm bool `mapstructure:"ttl_confirm"`
	// CreateSchema makes and migrates the database, tables and views at start.
	CreateSchema bool `mapstructure:"create_schema"`
	// MaxConnections is how many batches are written at the same time, each over a connection of its own.
	MaxConnections int `mapstructure:"max_connections"`
	// AsyncInsert lets the server gather the batches of several collectors; a write still waits until they are stored.
	AsyncInsert bool `mapstructure:"async_insert"`
	// Fsync makes an insert wait for the disk. Without it a loss of power may take the last seconds.
	Fsync bool `mapstructure:"fsync"`
	// STLConnectionLog shapes the view stl_connection_log.
	STLConnectionLog backend.STLConnectionLogConfig `mapstructure:"stl_connection_log"`
	// Sessions shapes the views sessions and open_sessions.
	Sessions backend.SessionsConfig `mapstructure:"sessions"`

	serversAsked int // how often it is asked who answers, each time over a new connection
}

const quorumAuto = "auto"

// DefaultConfig keeps everything, on the disk. Endpoints must be written.
func DefaultConfig() Config {
	return Config{
		ClientConfig:   configclickhouse.DefaultClientConfig(),
		Quorum:         quorumAuto,
		CreateSchema:   true,
		MaxConnections: 4,
		Fsync:          true,
		Sessions:       backend.DefaultSessionsConfig(),
		serversAsked:   8,
	}
}

// Identifiers are written without quotes.
var (
	prefixPattern   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	databasePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	clusterPattern  = regexp.MustCompile(`^[A-Za-z0-9_.{}-]{1,128}$`)
)

// Validate names the key that is wrong and what may be there.
func (cfg Config) Validate() error {
	errs := []error{cfg.Check()}
	if p := cfg.TablePrefix; p != "" && !prefixPattern.MatchString(p) {
		errs = append(errs, errors.New("table_prefix: may hold up to 64 letters, digits and underscores, and begins with no digit"))
	}
	if d := cfg.Database; d != "" && !databasePattern.MatchString(d) {
		errs = append(errs, errors.New("database: may hold up to 128 letters, digits and underscores, and begins with no digit"))
	}
	if d := strings.ToLower(cfg.Database); d == "system" || d == "information_schema" {
		errs = append(errs, errors.New("database: that is the server's own, whose session_log the source clickhouse reads: name another"))
	}
	if c := cfg.Cluster; c != "" && !clusterPattern.MatchString(c) {
		errs = append(errs, errors.New("cluster: may hold letters, digits, and the signs _ . - { }"))
	}
	if n, err := strconv.Atoi(cfg.Quorum); cfg.Quorum != quorumAuto && (err != nil || n < 1 || n > 100) {
		errs = append(errs, fmt.Errorf("quorum: must be %s or a number of replicas, 1 to 100", quorumAuto))
	}
	if cfg.MaxConnections < 1 || cfg.MaxConnections > 100 {
		errs = append(errs, errors.New("max_connections: must be 1 to 100"))
	}
	errs = append(errs, backend.CheckTTL(cfg.TTL), backend.NotNegative("sessions::assumed_closed_after", cfg.Sessions.AssumedClosedAfter))
	return errors.Join(errs...)
}
