package sessionlogfindingsreceiver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// TestServers: findings come once out of PostgreSQL and ClickHouse too, and nothing is asked of tables that are not there yet.
func TestServers(t *testing.T) {
	for name, configure := range map[string]func(*testing.T, *Config){"postgresql": usePostgreSQL, "clickhouse": useClickHouse} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.config.SQLite = configoptional.None[sqlite.Config]()
			configure(t, r.config)
			r.now = noon
			r.start()
			require.ErrorContains(t, r.askAll(t.Context()), name+": ")
			require.Len(t, r.logs.FilterMessageSnippet("the backend cannot be asked").All(), 1)

			var l logins
			for day := range 20 {
				l.add(noon.AddDate(0, 0, day-20), "alice", "10.20.0.1", true)
			}
			l.add(noon.Add(10*time.Minute), "alice", "203.0.113.9", true)
			l.failures(noon.Add(15*time.Minute), time.Second, "root", sprayer, 12)
			r.write(l.events...)
			var questions []string
			for _, f := range r.run(noon.Add(20 * time.Minute)) {
				questions = append(questions, f.question)
			}
			require.ElementsMatch(t, []string{firstSeen, failureBursts}, questions)
			require.Empty(t, r.run(noon.Add(21*time.Minute)), "once")
			r.write(l.failures(noon.Add(-10*time.Minute), time.Second, "root", "192.0.2.67", 12)...)
			require.Len(t, r.run(noon.Add(22*time.Minute)), 1, "late")
		})
	}
}

func usePostgreSQL(t *testing.T, c *Config) {
	t.Helper()
	pg := pgengine.Start(t)
	cfg := postgresql.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password, cfg.Database = []string{pg.Address}, pgserver.Alice.Name, configopaque.String(pgserver.Alice.Password), pgserver.AppDB
	cfg.Schema = "logins"
	pg.ExecIn(t, pgserver.AppDB, "CREATE SCHEMA logins AUTHORIZATION "+pgserver.Alice.Name)
	c.PostgreSQL = configoptional.Some(cfg)
}

func useClickHouse(t *testing.T, c *Config) {
	t.Helper()
	ch := testengine.ClickHouse(t, testengine.LogsOnDemand())
	cfg := clickhouse.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{"clickhouse://" + ch.Native}, chserver.Admin.Name, configopaque.String(chserver.Admin.Password)
	cfg.Database, cfg.Fsync = "logins", false
	c.ClickHouse = configoptional.Some(cfg)
}
