package postgresql

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

var _ connectcheck.Checker = Config{}

// checkConnection: before and after the schema is made, and with an account that lacks its grants; nothing is made by looking.
func checkConnection(t *testing.T, pg *postgresql.Server) {
	failed := func(cfg Config) map[string]string {
		bad := map[string]string{}
		for _, f := range cfg.CheckConnection(t.Context()) {
			require.NotContains(t, f.Detail, server.Alice.Password)
			if !f.OK && f.Subject != "fsync" { // off for these tests
				require.NotEmpty(t, f.Remedy)
				bad[f.Subject] = f.Key
			}
		}
		return bad
	}
	cfg := testConfig(t, pg)
	require.Empty(t, failed(cfg))
	require.False(t, exists(t, cfg, "session_events"), "nothing is made by looking")
	wrong := cfg
	wrong.Password = "wrong"
	require.Equal(t, map[string]string{"login": "username"}, failed(wrong))
	wrong = cfg
	wrong.Database = "nowhere"
	require.Equal(t, map[string]string{"login": "database"}, failed(wrong))
	stopStore(t, started(t, cfg))
	require.Empty(t, failed(cfg))
	audit := cfg
	audit.CreateSchema = false
	audit.Username, audit.Password = server.Audit.Name, configopaque.String(server.Audit.Password)
	const events, conflicts = "session_events", "session_conflicts"
	rowsOfMany(t, cfg, "GRANT USAGE ON SCHEMA "+cfg.Schema+" TO audit")
	require.Equal(t, "username", failed(audit)["schema version"], "what may not be read is not missing")
	pasteRemedies(t, cfg, audit, "schema version")
	want := map[string]string{"grant INSERT, SELECT on " + events: "username", "grant INSERT, SELECT on " + conflicts: "username"}
	for _, table := range summaryTables {
		want["grant SELECT, INSERT, UPDATE, DELETE on "+table] = "username"
	}
	require.Equal(t, want, failed(audit))
	pasteRemedies(t, cfg, audit, "grant ")
	require.Empty(t, failed(audit))
	audit.TTL = 1_000_000 * time.Hour
	require.Equal(t, map[string]string{
		"grant INSERT, SELECT, DELETE on " + events: "username", "grant INSERT, SELECT, DELETE on " + conflicts: "username",
		"grant SELECT, INSERT, UPDATE on sessionlog_settings": "username",
	}, failed(audit), "a ttl needs more")
	pasteRemedies(t, cfg, audit, "grant ")
	require.Empty(t, failed(audit))
	s := newStore(t, audit)
	require.NoError(t, s.Start(t.Context()))
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written)
	stopStore(t, s)
}

// pasteRemedies runs as the owner what the findings say that audit's account lacks.
func pasteRemedies(t *testing.T, owner, audit Config, subject string) {
	t.Helper()
	for _, f := range audit.CheckConnection(t.Context()) {
		if !f.OK && strings.HasPrefix(f.Subject, subject) {
			rowsOfMany(t, owner, f.Remedy)
		}
	}
}

// strangeDatabases: a schema of somebody else, a search_path whose first schema needs quotes, and an encoding that lacks characters.
func strangeDatabases(t *testing.T, pg *postgresql.Server) {
	pg.ExecIn(t, server.AppDB, "CREATE SCHEMA others")
	cfg := testConfig(t, pg)
	cfg.Schema = "others"
	var remedies []string
	for _, f := range cfg.CheckConnection(t.Context()) {
		if !f.OK && f.Subject != "fsync" {
			remedies = append(remedies, f.Remedy)
		}
	}
	require.Equal(t, []string{"GRANT CREATE, USAGE ON SCHEMA others TO " + server.Alice.Name}, remedies)
	cfg.Schema = "nowhere"
	require.Contains(t, fmt.Sprint(cfg.CheckConnection(t.Context())), "CREATE SCHEMA nowhere AUTHORIZATION "+server.Alice.Name)

	pg.Exec(t, "CREATE DATABASE template0")
	pg.Exec(t, "CREATE DATABASE latin OWNER "+server.Alice.Name+" ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
	pg.ExecIn(t, "latin", `CREATE SCHEMA "My Schema" AUTHORIZATION `+server.Alice.Name)
	pg.Exec(t, `ALTER DATABASE latin SET search_path = "My Schema"`)
	cfg.Schema, cfg.Database = "", "latin"
	require.Contains(t, fmt.Sprint(cfg.CheckConnection(t.Context())), "ENCODING 'UTF8'")
	log, lines := observer.New(zap.WarnLevel)
	s := newStore(t, cfg)
	s.log = zap.New(log)
	require.NoError(t, s.Start(t.Context()))
	require.Equal(t, 1, lines.FilterMessageSnippet("not in UTF8").Len())
	var foreign session.Event
	for _, e := range typical(1, 2) {
		foreign = *e
	}
	foreign.User = "日本"
	require.Equal(t, 1, write1(t, s, typical(0, 1)).Written)
	result := write1(t, s, seq(&foreign))
	require.Len(t, result.Rejected, 1)
	require.Contains(t, result.Rejected[0].Reason, "encoding")
	stopStore(t, s)
}

// remediesNameQuoted: an account and a database whose names need quotes are spelled so that the server takes the statements.
func remediesNameQuoted(t *testing.T, pg *postgresql.Server) {
	const name, quoted = `o'brien-"x"`, `"o'brien-""x"""`
	pg.Exec(t, "CREATE ROLE "+quoted+" PASSWORD 'secret'")
	pg.Exec(t, "CREATE DATABASE "+quoted)
	pg.Exec(t, "REVOKE ALL ON DATABASE "+quoted+" FROM PUBLIC")
	cfg := testConfig(t, pg)
	cfg.Username, cfg.Password, cfg.Database, cfg.Schema = name, "secret", name, "missing"
	remedy := func() string {
		for _, f := range cfg.CheckConnection(t.Context()) {
			if !f.OK && f.Subject != "fsync" {
				return f.Remedy
			}
		}
		return ""
	}
	var last string
	for next := remedy(); next != ""; next = remedy() {
		require.NotEqual(t, last, next, "it does not mend")
		last = next
		statement, _, _ := strings.Cut(strings.ReplaceAll(next, "…", "secret"), ", or a line")
		if _, grant, ok := strings.Cut(statement, ", or "); ok {
			statement = grant
		}
		pg.ExecIn(t, name, statement)
	}
	require.NotEmpty(t, last)
}
