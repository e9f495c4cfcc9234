// Package backendblocks is the part of a configuration that names a backend: one block, of those that there are.
package backendblocks

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/query"
)

// Blocks are those of a configuration. One is written, or none: then it is SQLite with its defaults. A configuration does not embed them: the collector
// would write "blocks" before their keys, where it names a mistake.
type Blocks struct {
	SQLite     configoptional.Optional[sqlite.Config]
	ClickHouse configoptional.Optional[clickhouse.Config]
	PostgreSQL configoptional.Optional[postgresql.Config]
}

// Backend is the one that is written.
type Backend struct {
	Key                string        // of its block
	AssumedClosedAfter time.Duration // when a session without a logout no longer counts as open; 0 is never
	TTL                time.Duration // how long a record is kept; 0 is for ever
	CheckConnection    func(context.Context) []connectcheck.Finding
	Open               func(component.TelemetrySettings) (backend.Backend, error)
	OpenQueryStore     func(context.Context) (query.Store, error) // to be asked; nothing is created, and nothing written. Errors begin with Key
	IsUnwritten        func(error) bool                           // whether an error says that the tables are not there: the exporter has not made them yet
	isWritten          bool                                       // in the configuration
}

// Choose finds the block that is written. owner and id are what has the blocks, and the beginning of its name in a configuration.
func (b Blocks) Choose(owner, id string) (Backend, error) {
	all := []Backend{
		readBlock("sqlite", b.SQLite, sqlite.DefaultConfig, sqlite.New, sqlite.OpenQueryStore, func(c sqlite.Config) (backend.SessionsConfig, time.Duration) { return c.Sessions, c.TTL }, isSQLiteUnwritten),
		readBlock("clickhouse", b.ClickHouse, clickhouse.DefaultConfig, clickhouse.New, clickhouse.OpenQueryStore, func(c clickhouse.Config) (backend.SessionsConfig, time.Duration) { return c.Sessions, c.TTL },
			func(_ clickhouse.Config, err error) bool { return errors.Is(err, clickhouse.ErrNoSchema) }),
		readBlock("postgresql", b.PostgreSQL, postgresql.DefaultConfig, postgresql.New, postgresql.OpenQueryStore, func(c postgresql.Config) (backend.SessionsConfig, time.Duration) { return c.Sessions, c.TTL },
			func(_ postgresql.Config, err error) bool { return errors.Is(err, postgresql.ErrNoSchema) }),
	}
	chosen, keys := all[0], []string(nil)
	for _, one := range all {
		if one.isWritten {
			chosen, keys = one, append(keys, one.Key)
		}
	}
	if len(keys) > 1 {
		return Backend{}, fmt.Errorf("%s: %s has one backend; keep one here and give each other %s of its own, such as %s/%s", strings.Join(keys, ", "), owner, owner, id, keys[1])
	}
	return chosen, nil
}

func readBlock[T any](key string, block configoptional.Optional[T], unset func() T, open func(T, component.TelemetrySettings) (backend.Backend, error),
	ask func(context.Context, T) (query.Store, error), keeps func(T) (backend.SessionsConfig, time.Duration), unwritten func(T, error) bool,
) Backend {
	cfg := unset()
	if written := block.Get(); written != nil {
		cfg = *written
	}
	sessions, ttl := keeps(cfg)
	return Backend{
		Key: key, isWritten: block.HasValue(), AssumedClosedAfter: sessions.AssumedClosedAfter, TTL: ttl,
		CheckConnection: func(ctx context.Context) []connectcheck.Finding { return connectcheck.CheckBlock(ctx, key, cfg) },
		Open:            func(set component.TelemetrySettings) (backend.Backend, error) { return open(cfg, set) },
		OpenQueryStore: func(ctx context.Context) (query.Store, error) {
			store, err := ask(ctx, cfg)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			return store, nil
		},
		IsUnwritten: func(err error) bool { return unwritten(cfg, err) },
	}
}

func isSQLiteUnwritten(cfg sqlite.Config, err error) bool {
	// SQLite has no code of its own for a table that is not there: the text says so.
	_, missing := os.Stat(cfg.Path)
	return errors.Is(missing, fs.ErrNotExist) || strings.Contains(err.Error(), "no such table")
}
