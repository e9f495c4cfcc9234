package sessionlogexplorer

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/testengine"
	pgengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	chserver "github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestEveryBackendAnswersAsDescribed: the same walk over the samples in PostgreSQL and in ClickHouse, before and after the exporter has made the
// tables there.
func TestEveryBackendAnswersAsDescribed(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		pg := pgengine.Start(t)
		cfg := postgresql.DefaultConfig()
		cfg.Endpoints, cfg.Username, cfg.Password, cfg.Database = []string{pg.Address}, pgserver.Alice.Name, configopaque.String(pgserver.Alice.Password), pgserver.AppDB
		cfg.Schema = "logins"
		pg.ExecIn(t, pgserver.AppDB, "CREATE SCHEMA logins AUTHORIZATION "+pgserver.Alice.Name)
		s := startServer(t, func(c *Config) {
			c.SQLite, c.PostgreSQL = configoptional.None[sqlite.Config](), configoptional.Some(cfg)
		})
		requireUnwritten(t, s)
		store, err := postgresql.New(cfg, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		fill(t, sealed(t, store, s.backend.OpenQueryStore))
		walkEndpoints(t, s, 1)
	})
	t.Run("clickhouse", func(t *testing.T) {
		t.Parallel()
		ch := testengine.ClickHouse(t, testengine.LogsOnDemand())
		cfg := clickhouse.DefaultConfig()
		cfg.Endpoints, cfg.Username, cfg.Password = []string{"clickhouse://" + ch.Native}, chserver.Admin.Name, configopaque.String(chserver.Admin.Password)
		cfg.Database, cfg.Fsync = "logins", false
		s := startServer(t, func(c *Config) {
			c.SQLite, c.ClickHouse = configoptional.None[sqlite.Config](), configoptional.Some(cfg)
		})
		requireUnwritten(t, s)
		store, err := clickhouse.New(cfg, componenttest.NewNopTelemetrySettings())
		require.NoError(t, err)
		fill(t, sealed(t, store, s.backend.OpenQueryStore))
		walkEndpoints(t, s, 1)
	})
}

func requireUnwritten(t *testing.T, s *server) {
	t.Helper()
	status, text := s.read(apiRoot + "/events")
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	require.Contains(t, text, `"reason":"nothing_written"`)
}
