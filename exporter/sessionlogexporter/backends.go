package sessionlogexporter

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// store is one kind of backend that the configuration can name.
type store struct {
	key     string // its block
	written func(*Config) bool
	check   func(context.Context, *Config) []connectcheck.Finding
	open    func(*Config, component.TelemetrySettings) (backend.Backend, error)
}

// backends are all of them, one a line. The first is taken when none is written.
var backends = []store{
	entry("sqlite", func(c *Config) *configoptional.Optional[sqlite.Config] { return &c.SQLite }, sqlite.DefaultConfig, sqlite.New),
	entry("clickhouse", func(c *Config) *configoptional.Optional[clickhouse.Config] { return &c.ClickHouse }, clickhouse.DefaultConfig, clickhouse.New),
	entry("postgresql", func(c *Config) *configoptional.Optional[postgresql.Config] { return &c.PostgreSQL }, postgresql.DefaultConfig, postgresql.New),
}

// entry ties the block of a backend to what makes it.
func entry[T any](key string, block func(*Config) *configoptional.Optional[T], unset func() T,
	open func(T, component.TelemetrySettings) (backend.Backend, error),
) store {
	return store{
		key:     key,
		written: func(c *Config) bool { return block(c).HasValue() },
		check: func(ctx context.Context, c *Config) []connectcheck.Finding {
			if written := block(c).Get(); written != nil {
				return connectcheck.CheckBlock(ctx, key, *written)
			}
			return connectcheck.CheckBlock(ctx, key, unset())
		},
		open: func(c *Config, set component.TelemetrySettings) (backend.Backend, error) {
			if written := block(c).Get(); written != nil {
				return open(*written, set)
			}
			return open(unset(), set)
		},
	}
}

// choose finds the one backend of a configuration.
func choose(list []store, c *Config) (store, error) {
	chosen, keys := list[0], []string(nil)
	for _, s := range list {
		if s.written(c) {
			chosen, keys = s, append(keys, s.key)
		}
	}
	if len(keys) > 1 {
		return store{}, fmt.Errorf("%s: an exporter holds one backend; keep one here and give each other an exporter of its own, such as sessionlog/%s",
			strings.Join(keys, ", "), keys[1])
	}
	return chosen, nil
}

// CheckConnection tries the backend.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	chosen, err := choose(backends, c)
	if err != nil {
		return []connectcheck.Finding{{Subject: "backend", Detail: err.Error()}}
	}
	return chosen.check(ctx, c)
}
