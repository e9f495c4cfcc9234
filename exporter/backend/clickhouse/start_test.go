package clickhouse

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// starts: several at once on a server without the database, both protocols, and a prefix beside them in the same database.
func starts(t *testing.T, ch *testengine.Server) {
	cfg := testConfig(t, ch, "native")
	prefixed := cfg
	prefixed.TablePrefix, cfg.Fsync = "audit_", false
	over := cfg
	over.Endpoints = []string{endpoint(ch, "http")}
	started := make(chan error, 3)
	var stores []*eventStore
	for _, c := range []Config{cfg, over, prefixed} {
		s := newStore(t, c)
		stores = append(stores, s)
		go func() { started <- s.Start(t.Context()) }()
	}
	for range stores {
		require.NoError(t, <-started)
	}
	for n, s := range stores {
		defer stopStore(t, s)
		res := write1(t, s, typical(0, 10*(n+1)))
		require.Equal(t, []int{10, 10, 30}[n], res.Written)
	}
	require.Equal(t, "20", count(t, ch, cfg, "SELECT count() FROM session_log"))
	require.Equal(t, "30", count(t, ch, cfg, "SELECT count() FROM audit_session_log"))
	require.Equal(t, "14", count(t, ch, cfg, "SELECT count() FROM audit_sessions"))
	settings := "SELECT countIf(engine_full LIKE '%fsync_after_insert = 1, fsync_part_directory = 1%') FROM system.tables WHERE database = currentDatabase() AND name "
	require.Equal(t, strconv.Itoa(len(storingTables)), count(t, ch, cfg, settings+"LIKE 'audit%'"))
	require.Equal(t, "0", count(t, ch, cfg, settings+"NOT LIKE 'audit%'"))
}

// forgetfulDatabase: tables of a database in memory are gone with the server, and a yes has to be durable.
func forgetfulDatabase(t *testing.T, ch *testengine.Server) {
	cfg := testConfig(t, ch, "native")
	ch.Exec(t, "CREATE DATABASE "+cfg.Database+" ENGINE = Memory")
	s := newStore(t, cfg)
	err := s.Start(t.Context())
	require.ErrorIs(t, err, ErrEngine)
	require.ErrorContains(t, err, "Atomic")
	stopStore(t, s)
	require.Contains(t, fmt.Sprint(cfg.CheckConnection(t.Context())), "ENGINE = Atomic")
}

// plaintextPassword: one that another machine gets without TLS is warned of when the backend is made.
func plaintextPassword(t *testing.T, ch *testengine.Server) {
	core, logs := observer.New(zap.WarnLevel)
	set := componenttest.NewNopTelemetrySettings()
	set.Logger = zap.New(core)
	cfg := testConfig(t, ch, "native")
	_, err := New(cfg, set)
	require.NoError(t, err)
	require.Empty(t, logs.All(), "this machine")
	cfg.Endpoints = []string{"http://ch-1.example:8123"}
	_, err = New(cfg, set)
	require.NoError(t, err)
	require.Equal(t, 1, logs.FilterMessageSnippet("without TLS").Len())
	require.NotContains(t, logs.All()[0].Message, server.Admin.Password)
}

func startFails(t *testing.T, ch *testengine.Server) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   error
		says   string
	}{
		{"password", func(c *Config) { c.Password = "wrong" }, ErrLogin, "password"},
		{"endpoint", func(c *Config) { c.Endpoints = []string{closed.Addr().String()} }, nil, closed.Addr().String()},
		{"database", func(c *Config) { c.CreateSchema = false }, ErrNoSchema, "database"},
		{"schema", func(c *Config) { c.CreateSchema, c.Database = false, "default" }, ErrNoSchema, "lacks session_clients, session_conflicts, session_events, session_hours, session_pairs"},
		{"privilege", func(c *Config) { c.Username, c.Password = server.Guest.Name, "" }, ErrPrivilege, "grants"},
		{"cluster", func(c *Config) { c.Cluster = "nowhere" }, ErrNoSchema, "system.clusters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t, ch, "native")
			c.change(&cfg)
			s := newStore(t, cfg)
			defer stopStore(t, s)
			err := s.Start(t.Context())
			require.Error(t, err)
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
			}
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), server.Admin.Password)
		})
	}
}

// addedColumn: from every version on, a newer program adds a column to a table with rows and makes a view anew; what is there stays.
func addedColumn(t *testing.T, ch *testengine.Server) {
	allColumns := eventColumns
	defer func() { eventColumns = allColumns }()
	newer := slices.Clone(allViews)
	at := slices.IndexFunc(newer, func(v migrations.View) bool { return v.Name == "session_log" })
	newer[at].SQL = strings.Replace(newer[at].SQL, "\nFROM\n(", ",\n    added\nFROM\n(", 1)
	for version := 1; version <= len(allMigrations); version++ {
		cfg := testConfig(t, ch, "native")
		eventColumns = backendtest.ColumnsAt(allMigrations[:version], eventColumns, func(c eventColumn) string { return c.name })
		old := newStore(t, cfg)
		old.files, old.views = old.files[:version], nil
		require.NoError(t, old.Start(t.Context()))
		require.Equal(t, 10, write1(t, old, typical(0, 10)).Written)
		stopStore(t, old)
		eventColumns = allColumns

		s := newerStore(t, cfg)
		s.views = newer
		require.NoError(t, s.Start(t.Context()))
		require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, write1(t, s, typical(0, 20)))
		require.Equal(t, "20", count(t, ch, cfg, "SELECT countIf(added = '') FROM session_log"))
		stopStore(t, s)
		requireSummary(t, cfg)
		requireDerived(t, ch, cfg)
	}
}

// newerStore is a program that adds a column.
func newerStore(t *testing.T, cfg Config) *eventStore {
	s := newStore(t, cfg)
	s.files = append(slices.Clone(allMigrations), migrations.File{Version: len(allMigrations) + 1, Name: "added", SQL: fmt.Sprintf(
		"ALTER TABLE session_events ADD COLUMN IF NOT EXISTS added String;\nALTER TABLE session_conflicts ADD COLUMN IF NOT EXISTS added String;\n"+
			"INSERT INTO sessionlog_migrations VALUES (%d, 'added', now());\n", len(allMigrations)+1)})
	return s
}

func requireSummary(t *testing.T, cfg Config) {
	t.Helper()
	store, err := OpenQueryStore(t.Context(), cfg)
	require.NoError(t, err)
	_, known, err := store.Summary(t.Context())
	require.NoError(t, err)
	require.True(t, known)
	require.NoError(t, store.Close())
}

// namesThatAreTaken: somebody else's view or table of the same name stays, and so do its rows, also beside a schema of ours.
func namesThatAreTaken(t *testing.T, ch *testengine.Server) {
	for _, theirs := range []string{"CREATE VIEW sessions AS SELECT 42 AS mine", "CREATE TABLE sessions (mine Int32) ENGINE = MergeTree ORDER BY mine AS SELECT 42"} {
		for _, ours := range []bool{false, true} {
			cfg := testConfig(t, ch, "native")
			if ours {
				stopStore(t, startedStore(t, cfg))
				ask(t, ch, cfg.Database, "DROP VIEW sessions", "TSV")
			} else {
				ch.Exec(t, "CREATE DATABASE "+cfg.Database)
			}
			if ours && strings.Contains(theirs, "VIEW") {
				continue // a view under that name is taken for one of ours
			}
			ask(t, ch, cfg.Database, theirs, "TSV")
			s := newStore(t, cfg)
			err := s.Start(t.Context())
			stopStore(t, s)
			require.ErrorIs(t, err, backend.ErrMisconfigured)
			require.ErrorIs(t, err, backend.ErrNameTaken)
			require.Equal(t, "42", count(t, ch, cfg, "SELECT mine FROM sessions"))
		}
	}
}

// beforeTheFirstRelease: the numbers of older tables mean something else.
func beforeTheFirstRelease(t *testing.T, ch *testengine.Server) {
	cfg := testConfig(t, ch, "native")
	stopStore(t, startedStore(t, cfg))
	ask(t, ch, cfg.Database, "TRUNCATE TABLE sessionlog_migrations", "TSV")
	ask(t, ch, cfg.Database, "INSERT INTO sessionlog_migrations VALUES (1, 'tables', now()), (2, 'user_type', now()), (3, 'seals', now()), (4, 'summary', now())", "TSV")
	s := newStore(t, cfg)
	err := s.Start(t.Context())
	stopStore(t, s)
	require.ErrorIs(t, err, backend.ErrMisconfigured)
	require.ErrorContains(t, err, "from before 0.1.0")
	found := s.checkVersion(t.Context(), &serverConn{eventStore: s})
	require.Contains(t, found.Remedy, "drop the tables")
	changelog, err := os.ReadFile("../../../CHANGELOG.md")
	require.NoError(t, err)
	kept := regexp.MustCompile("`(TRUNCATE TABLE sessionlog_migrations); (INSERT INTO sessionlog_migrations .+?)`").FindSubmatch(changelog)
	require.NotNil(t, kept)
	for _, statement := range kept[1:] {
		ask(t, ch, cfg.Database, string(statement), "TSV")
	}
	stopStore(t, startedStore(t, cfg))
}

// schemaByHand: the files as they stand make a schema that is taken, and a column that somebody drops is named. A newer program's
// schema is refused.
func schemaByHand(t *testing.T, ch *testengine.Server) {
	cfg := testConfig(t, ch, "native")
	ch.Exec(t, "CREATE DATABASE "+cfg.Database)
	for _, m := range allMigrations {
		for _, statement := range (&Config{}).migrationStatements(m.SQL) {
			ask(t, ch, cfg.Database, statement, "TSV")
		}
	}
	for _, v := range allViews {
		ask(t, ch, cfg.Database, v.SQL, "TSV")
	}
	cfg.CreateSchema, cfg.Fsync = false, true
	s := startedStore(t, cfg)
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written)
	stopStore(t, s)
	warned := func() []observer.LoggedEntry {
		core, logs := observer.New(zap.WarnLevel)
		s := newStore(t, cfg)
		s.log = zap.New(core)
		require.NoError(t, s.Start(t.Context()))
		stopStore(t, s)
		return logs.All()
	}
	require.Empty(t, warned(), "the files make tables that wait for the disk")
	ask(t, ch, cfg.Database, "ALTER TABLE session_clients MODIFY SETTING fsync_after_insert = 0", "TSV")
	warnings := warned()
	require.Len(t, warnings, 1)
	ask(t, ch, cfg.Database, warnings[0].ContextMap()["change"].(string), "TSV")
	require.Empty(t, warned(), "what the warning says helps")
	ask(t, ch, cfg.Database, "DROP VIEW open_sessions", "TSV")
	ask(t, ch, cfg.Database, "CREATE OR REPLACE VIEW sessions AS SELECT 1 AS session_key", "TSV")
	warnings = warned()
	require.Len(t, warnings, 1)
	require.Equal(t, []any{"open_sessions", "sessions"}, warnings[0].ContextMap()["views"])
	ask(t, ch, cfg.Database, "ALTER TABLE session_conflicts DROP COLUMN content_hash", "TSV")
	s = newStore(t, cfg)
	require.ErrorContains(t, s.Start(t.Context()), "lacks session_conflicts.content_hash")
	stopStore(t, s)
	ask(t, ch, cfg.Database, "INSERT INTO sessionlog_migrations VALUES (1000, 'later', now())", "TSV")
	s = newStore(t, cfg)
	require.ErrorIs(t, s.Start(t.Context()), ErrNewerSchema)
	stopStore(t, s)
}
