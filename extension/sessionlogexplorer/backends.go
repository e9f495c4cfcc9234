package sessionlogexplorer

import (
	"context"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
)

type openStoreFunc func(context.Context) (query.Store, error)

type backendEntry struct {
	key          string // its block
	isConfigured func(*Config) bool
	openStore    func(*Config) openStoreFunc
}

// The first of knownBackends is used when none is configured.
var knownBackends = []backendEntry{
	newBackendEntry("sqlite", func(c *Config) *configoptional.Optional[sqlite.Config] { return &c.SQLite }, sqlite.DefaultConfig, sqlite.OpenQueryStore),
	newBackendEntry("clickhouse", func(c *Config) *configoptional.Optional[clickhouse.Config] { return &c.ClickHouse }, clickhouse.DefaultConfig, clickhouse.OpenQueryStore),
	newBackendEntry("postgresql", func(c *Config) *configoptional.Optional[postgresql.Config] { return &c.PostgreSQL }, postgresql.DefaultConfig, postgresql.OpenQueryStore),
}

func newBackendEntry[T any](key string, block func(*Config) *configoptional.Optional[T], unset func() T, open func(context.Context, T) (query.Store, error)) backendEntry {
	return backendEntry{
		key:          key,
		isConfigured: func(c *Config) bool { return block(c).HasValue() },
		openStore: func(c *Config) openStoreFunc {
			cfg := unset()
			if written := block(c).Get(); written != nil {
				cfg = *written
			}
			return func(ctx context.Context) (query.Store, error) { return open(ctx, cfg) }
		},
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
		return backendEntry{}, fmt.Errorf("%s: an explorer reads one backend; keep one here and give each other an explorer of its own, such as sessionlog_explorer/%s "+
			"with another endpoint", strings.Join(keys, ", "), keys[1])
	}
	return chosen, nil
}
