package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine"
	postgresqlengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	postgresqlserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	clickhouseserver "github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestAllStoresAnswerAlike: what each view says of the story in PostgreSQL and in ClickHouse is what it says of it in SQLite.
func TestAllStoresAnswerAlike(t *testing.T) {
	file := storyFile(t)
	for name, start := range map[string]func(*testing.T) (flag, url string, open func() (backend.Backend, error)){"postgresql": onPostgreSQL, "clickhouse": onClickHouse} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flag, url, open := start(t)
			store, err := open()
			require.NoError(t, err)
			writeInto(t, store, story())
			for _, args := range [][]string{
				{"search", "--limit", "8"}, {"search", "user_name=al*"}, {"failures"}, {"user", "alice"}, {"address", "203.0.113.9"}, {"session", aliceSession}, {"inventory"}, {"open"},
			} {
				require.JSONEq(t, answerOf(t, append(args, "--sqlite", file)), answerOf(t, append(args, flag, url)), "%v", args)
			}
			require.Contains(t, well(t, append([]string{"sql", "search", "--user", "alice"}, flag, url)...), "user_name = 'alice'")
			require.NotEmpty(t, well(t, "new", "--from", "2026-11-29", flag, url))
			checked := run(t, "doctor", flag, url)
			require.Equal(t, 0, checked.status, checked.out)
		})
	}
}

// answerOf leaves out what the dialects write differently.
func answerOf(t *testing.T, args []string) string {
	t.Helper()
	o := object(t, args...)
	delete(o, "sql")
	text, err := json.Marshal(o)
	require.NoError(t, err)
	return string(text)
}

func onPostgreSQL(t *testing.T) (flag, url string, open func() (backend.Backend, error)) {
	return inPostgreSQL(t, postgresqlengine.Start(t))
}

// inPostgreSQL is a store in the schema of alice.
func inPostgreSQL(t *testing.T, server *postgresqlengine.Server) (flag, url string, open func() (backend.Backend, error)) {
	alice := postgresqlserver.Alice
	url = "postgresql://" + alice.Name + ":" + alice.Password + "@" + server.Address + "/" + postgresqlserver.AppDB + "?schema=" + alice.Name
	server.ExecIn(t, postgresqlserver.AppDB, "CREATE SCHEMA IF NOT EXISTS "+alice.Name+" AUTHORIZATION "+alice.Name)
	cfg, err := postgresqlFromURL(url, func(string) string { return "" })
	require.NoError(t, err)
	return "--postgresql", url, func() (backend.Backend, error) { return postgresql.New(cfg, componenttest.NewNopTelemetrySettings()) }
}

func onClickHouse(t *testing.T) (flag, url string, open func() (backend.Backend, error)) {
	return inClickHouse(t, testengine.ClickHouse(t, testengine.LogsOnDemand()), "companion")
}

func inClickHouse(t *testing.T, server *testengine.Server, database string) (flag, url string, open func() (backend.Backend, error)) {
	url = "clickhouse://" + clickhouseserver.Admin.Name + ":" + clickhouseserver.Admin.Password + "@" + server.Native + "/" + database
	cfg, err := clickhouseFromURL(url, func(string) string { return "" })
	require.NoError(t, err)
	cfg.Fsync = false
	return "--clickhouse", url, func() (backend.Backend, error) { return clickhouse.New(cfg, componenttest.NewNopTelemetrySettings()) }
}

// TestAPasswordOfTheSurroundings is taken where the URL has none.
func TestAPasswordOfTheSurroundings(t *testing.T) {
	variables := func(name string) string {
		return map[string]string{"PGPASSWORD": "a", "CLICKHOUSE_PASSWORD": "b"}[name]
	}
	pg, err := postgresqlFromURL("postgresql://audit@db.example.net/logins?sslmode=verify-full&schema=audit", variables)
	require.NoError(t, err)
	require.Equal(t, "a", string(pg.Password))
	require.Equal(t, []string{"postgresql://db.example.net:5432"}, pg.Endpoints)
	require.True(t, pg.TLS.HasValue())
	ch, err := clickhouseFromURL("https://audit@ch.example.net/logins", variables)
	require.NoError(t, err)
	require.Equal(t, "b", string(ch.Password))
	require.Equal(t, []string{"https://ch.example.net:8443"}, ch.Endpoints)
	socket, err := postgresqlFromURL("postgresql://audit@/logins?host=/var/run/postgresql", variables)
	require.NoError(t, err)
	require.Equal(t, []string{"/var/run/postgresql"}, socket.Endpoints)
}
