package sessionlogexporter

import (
	"testing"

	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// BenchmarkClickHouse is BenchmarkConsume into ClickHouse, with the largest batches that the exporter makes.
func BenchmarkClickHouse(b *testing.B) {
	ch := testengine.ClickHouse(b, testengine.LogsOnDemand())
	to := clickhouse.DefaultConfig()
	to.Endpoints, to.Fsync = []string{"clickhouse://" + ch.Native}, true
	to.Username, to.Password = server.Admin.Name, configopaque.String(server.Admin.Password)
	benchConsume(b, func(cfg *Config) {
		cfg.SQLite, cfg.ClickHouse = configoptional.None[sqlite.Config](), configoptional.Some(to)
	}, 4, 20_000)
}
