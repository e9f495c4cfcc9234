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
	"github.com/otel-sessionlog/sessionlog/query"
)

type backendEntry struct {
	key            string // its block
	isConfigured   func(*Config) bool
	checkBlock     func(context.Context, *Config) []connectcheck.Finding
	openBackend    func(*Config, component.TelemetrySettings) (backend.Backend, error)
	openQueryStore func(context.Context, *Config) (query.Store, error)
}

// The first of knownBackends is used when none is configured.
var knownBackends = []backendEntry{
	newBackendEntry("sqlite", func(c *Config) *configoptional.Optional[sqlite.Config] { return &c.SQLite }, sqlite.DefaultConfig, sqlite.New, sqlite.OpenQueryStore),
	newBackendEntry("clickhouse", func(c *Config) *configoptional.Optional[clickhouse.Config] { return &c.ClickHouse }, clickhouse.DefaultConfig, clickhouse.New, clickhouse.OpenQueryStore),
	newBackendEntry("postgresql", func(c *Config) *configoptional.Optional[postgresql.Config] { return &c.PostgreSQL }, postgresql.DefaultConfig, postgresql.New, postgresql.OpenQueryStore),
}

func newBackendEntry[T any](key string, block func(*Config) *configoptional.Optional[T], unset func() T,
	open func(T, component.TelemetrySettings) (backend.Backend, error), ask func(context.Context, T) (query.Store, error),
) backendEntry {
	written := func(c *Config) T {
		if written := block(c).Get(); written != nil {
			return *written
		}
		return unset()
	}
	return backendEntry{
		key:          key,
		isConfigured: func(c *Config) bool { return block(c).HasValue() },
		checkBlock: func(ctx context.Context, c *Config) []connectcheck.Finding {
			return connectcheck.CheckBlock(ctx, key, written(c))
		},
		openBackend: func(c *Config, set component.TelemetrySettings) (backend.Backend, error) {
			return open(written(c), set)
		},
		openQueryStore: func(ctx context.Context, c *Config) (query.Store, error) { return ask(ctx, written(c)) },
	}
}

func chooseBackend(list []backendEntry, c *Config) (backendEntry, error) {
	chosen, keys := list[0], []string(nil)
	for _, s := range list {
		if s.isConfigured(c) {
			chosen, keys = s, append(keys, s.key)
		}
	}
	if len(keys) > 1 {
		return backendEntry{}, fmt.Errorf("%s: an exporter holds one backend; keep one here and give each other an exporter of its own, such as sessionlog/%s",
			strings.Join(keys, ", "), keys[1])
	}
	return chosen, nil
}

// CheckConnection tries the backend.
func (c *Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	chosen, err := chooseBackend(knownBackends, c)
	if err != nil {
		return []connectcheck.Finding{{Subject: "backend", Detail: err.Error()}}
	}
	return chosen.checkBlock(ctx, c)
}
