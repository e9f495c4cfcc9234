package sessionlogexplorer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
)

// backendEntry is a kind of backend; its functions read the block of a configuration.
type backendEntry struct {
	key          string // its block
	isConfigured func(*Config) bool
	openStore    func(context.Context, *Config) (query.Store, error)
	// isUnwritten tells of an error that the tables are not there: the exporter has not made them yet.
	isUnwritten func(*Config, error) bool
	// assumedClosedAfter is when a session without a logout no longer counts as open; 0 is never.
	assumedClosedAfter func(*Config) time.Duration
}

// The first of knownBackends is used when none is configured.
var knownBackends = []backendEntry{
	newBackendEntry("sqlite", func(c *Config) *configoptional.Optional[sqlite.Config] { return &c.SQLite }, sqlite.DefaultConfig, sqlite.OpenQueryStore,
		isSQLiteUnwritten, func(cfg sqlite.Config) time.Duration { return cfg.Sessions.AssumedClosedAfter }),
	newBackendEntry("clickhouse", func(c *Config) *configoptional.Optional[clickhouse.Config] { return &c.ClickHouse }, clickhouse.DefaultConfig, clickhouse.OpenQueryStore,
		func(_ clickhouse.Config, err error) bool { return errors.Is(err, clickhouse.ErrNoSchema) },
		func(cfg clickhouse.Config) time.Duration { return cfg.Sessions.AssumedClosedAfter }),
	newBackendEntry("postgresql", func(c *Config) *configoptional.Optional[postgresql.Config] { return &c.PostgreSQL }, postgresql.DefaultConfig, postgresql.OpenQueryStore,
		func(_ postgresql.Config, err error) bool { return errors.Is(err, postgresql.ErrNoSchema) },
		func(cfg postgresql.Config) time.Duration { return cfg.Sessions.AssumedClosedAfter }),
}

func newBackendEntry[T any](key string, block func(*Config) *configoptional.Optional[T], unset func() T, open func(context.Context, T) (query.Store, error),
	unwritten func(T, error) bool, assumedClosedAfter func(T) time.Duration,
) backendEntry {
	written := func(c *Config) T {
		if written := block(c).Get(); written != nil {
			return *written
		}
		return unset()
	}
	return backendEntry{
		key:                key,
		isConfigured:       func(c *Config) bool { return block(c).HasValue() },
		openStore:          func(ctx context.Context, c *Config) (query.Store, error) { return open(ctx, written(c)) },
		isUnwritten:        func(c *Config, err error) bool { return unwritten(written(c), err) },
		assumedClosedAfter: func(c *Config) time.Duration { return assumedClosedAfter(written(c)) },
	}
}

// isSQLiteUnwritten reads the text too: SQLite has no code of its own for a table that is not there.
func isSQLiteUnwritten(cfg sqlite.Config, err error) bool {
	_, missing := os.Stat(cfg.Path)
	return errors.Is(missing, fs.ErrNotExist) || strings.Contains(err.Error(), "no such table")
}

func chooseBackend(list []backendEntry, c *Config) (backendEntry, error) {
	chosen, keys := list[0], []string(nil)
	for _, s := range list {
		if s.isConfigured(c) {
			chosen, keys = s, append(keys, s.key)
		}
	}
	if len(keys) > 1 {
		return backendEntry{}, fmt.Errorf("%s: an explorer reads one backend; keep one here and give each other an explorer of its own, such as sessionlog_explorer/%s "+
			"with another endpoint", strings.Join(keys, ", "), keys[1])
	}
	return chosen, nil
}
