package postgresql

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// addedColumn: from every version on, a newer program adds a column to a table with rows and makes a view anew; what is there stays, and so
// does what was granted.
func addedColumn(t *testing.T, pg *postgresql.Server) {
	const atTheEnd, between = "\nFROM (", "\n    record_id," // where the columns after it change their places, the view cannot be replaced
	allColumns := eventColumns
	defer func() { eventColumns = allColumns }()
	withColumn := func(place string) []migrations.View {
		newer := slices.Clone(allViews)
		at := slices.IndexFunc(newer, func(v migrations.View) bool { return v.Name == "session_log" })
		newer[at].SQL = strings.Replace(newer[at].SQL, place, map[string]string{atTheEnd: ",\n    added" + atTheEnd, between: "\n    added," + between}[place], 1)
		return newer
	}
	for version := 1; version <= len(allMigrations); version++ {
		for _, place := range []string{atTheEnd, between} {
			cfg := testConfig(t, pg)
			eventColumns = backendtest.ColumnsAt(allMigrations[:version], eventColumns, func(c eventColumn) string { return c.name })
			old := newStore(t, cfg)
			old.files, old.views = old.files[:version], nil
			require.NoError(t, old.Start(t.Context()))
			require.Equal(t, 10, write1(t, old, typical(0, 10)).Written)
			stopStore(t, old)
			eventColumns = allColumns
			stopStore(t, started(t, cfg))
			rowsOfMany(t, cfg, "GRANT SELECT ON session_log TO PUBLIC; GRANT UPDATE (type) ON session_log TO "+server.Audit.Name+
				" WITH GRANT OPTION; ALTER VIEW session_log SET (security_barrier = true)")

			s := newStore(t, cfg)
			s.files = append(slices.Clone(allMigrations), migrations.File{
				Version: len(allMigrations) + 1, Name: "0009_added",
				SQL: "ALTER TABLE session_events ADD COLUMN added text;\nALTER TABLE session_conflicts ADD COLUMN added text",
			})
			s.views = withColumn(place)
			require.NoError(t, s.Start(t.Context()))
			require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, write1(t, s, typical(0, 20)), "from version %d", version)
			require.Equal(t, [][]string{{"20", "0"}}, rowsOf(t, cfg, "SELECT count(*), count(added) FROM session_log").Cells)
			require.Equal(t, [][]string{{"t", "t", "{security_barrier=true}"}}, rowsOf(t, cfg, "SELECT has_table_privilege('"+server.Audit.Name+
				"', 'session_log', 'SELECT'), has_column_privilege('"+server.Audit.Name+"', 'session_log', 'type', 'UPDATE WITH GRANT OPTION'), reloptions"+
				" FROM pg_class WHERE oid = 'session_log'::regclass").Cells)
			stopStore(t, s)
		}
	}
}

// viewOfTheirs: something of the user's that stands on a view keeps neither us from starting nor the view from being asked.
func viewOfTheirs(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	rowsOf(t, cfg, "CREATE VIEW theirs AS SELECT * FROM session_log")
	core, logs := observer.New(zap.WarnLevel)
	s := newStore(t, cfg)
	s.log, s.views = zap.New(core), slices.Clone(allViews)
	at := slices.IndexFunc(s.views, func(v migrations.View) bool { return v.Name == "session_log" })
	s.views[at].SQL = strings.Replace(s.views[at].SQL, "\n    record_id,", "\n    1 AS added, record_id,", 1)
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	require.Len(t, logs.FilterMessageSnippet("is still as an older version made it").All(), 1)
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written)
	require.Equal(t, [][]string{{"10"}}, rowsOf(t, cfg, "SELECT count(*) FROM theirs").Cells)
}

// viewsOfANewerProgram: of two versions that start in turns the newer one decides what the views are.
func viewsOfANewerProgram(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	newer := fmt.Sprintf("COMMENT ON VIEW sessions IS 'sessionlog %d 0123456789abcdef'", migrations.ViewRevision+1)
	rowsOfMany(t, cfg, "CREATE OR REPLACE VIEW sessions AS SELECT *, 42 AS added FROM ("+strings.Replace(viewNamed("sessions").SQL, "CREATE VIEW sessions AS", "", 1)+") s;"+newer)
	s := startStore(t, cfg)
	require.NoError(t, s.maintainOnce())
	require.Empty(t, rowsOf(t, cfg, "SELECT added FROM sessions").Cells, "the column is there")
	rowsOfMany(t, cfg, fmt.Sprintf("COMMENT ON VIEW sessions IS 'sessionlog %d 0123456789abcdef'", migrations.ViewRevision))
	require.NoError(t, s.maintainOnce())
	require.Equal(t, [][]string{{"0"}}, rowsOf(t, cfg, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'sessions'::regclass AND attname = 'added'").Cells)
}

func viewNamed(name string) migrations.View {
	return allViews[slices.IndexFunc(allViews, func(v migrations.View) bool { return v.Name == name })]
}

// schemaByHand: the files as they stand make a schema that is taken in silence; a view that is old or missing is named.
func schemaByHand(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	rowsOfMany(t, cfg, migrationsTable)
	for _, m := range allMigrations {
		rowsOfMany(t, cfg, m.SQL+fmt.Sprintf(";INSERT INTO sessionlog_migrations VALUES (%d, '%s.sql', now())", m.Version, m.Name))
	}
	for _, v := range allViews {
		rowsOfMany(t, cfg, v.SQL)
	}
	cfg.CreateSchema = false
	warned := func() (views []any) {
		core, logs := observer.New(zap.WarnLevel)
		s := newStore(t, cfg)
		s.log = zap.New(core)
		require.NoError(t, s.Start(t.Context()))
		stopStore(t, s)
		for _, l := range logs.FilterMessageSnippet("create_schema").All() {
			views = append(views, l.ContextMap()["views"])
		}
		return views
	}
	require.Empty(t, warned())
	rowsOfMany(t, cfg, "DROP VIEW sys_connection_log; CREATE OR REPLACE VIEW sessions AS SELECT * FROM ("+strings.Replace(viewNamed("sessions").SQL, "CREATE VIEW sessions AS", "", 1)+") s")
	require.Equal(t, []any{[]any{"sessions", "sys_connection_log"}}, warned())
}

// namesThatAreTaken: somebody else's view of the same name stays, and so does his table.
func namesThatAreTaken(t *testing.T, pg *postgresql.Server) {
	for _, theirs := range []string{"CREATE VIEW sessions AS SELECT 42 AS mine", "CREATE TABLE sessions AS SELECT 42 AS mine"} {
		cfg := testConfig(t, pg)
		rowsOf(t, cfg, theirs)
		s := newStore(t, cfg)
		err := s.Start(t.Context())
		stopStore(t, s)
		require.ErrorIs(t, err, backend.ErrMisconfigured)
		require.ErrorIs(t, err, backend.ErrNameTaken)
		require.Equal(t, [][]string{{"42"}}, rowsOf(t, cfg, "SELECT mine FROM sessions").Cells)
	}
}

// viewIsRead: somebody's long query of a view keeps nobody from starting and writing; the view is made anew when it has ended.
func viewIsRead(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	reader := &eventStore{cfg: cfg, log: nopLogger()}
	conn, err := reader.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	require.NoError(t, execStatements(t.Context(), conn, "BEGIN; SELECT count(*) FROM session_log"))
	core, logs := observer.New(zap.WarnLevel)
	s := newStore(t, cfg)
	s.log, s.views, s.lockTimeout = zap.New(core), slices.Clone(allViews), 50*time.Millisecond
	at := slices.IndexFunc(s.views, func(v migrations.View) bool { return v.Name == "session_log" })
	s.views[at].SQL = strings.Replace(s.views[at].SQL, "\n    record_id,", "\n    1 AS added, record_id,", 1)
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	require.NotEmpty(t, logs.FilterMessageSnippet("because a transaction is reading them").All())
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written)
	require.NoError(t, execStatements(t.Context(), conn, "COMMIT"))
	require.NoError(t, s.maintainOnce())
	require.Equal(t, [][]string{{"10"}}, rowsOf(t, cfg, "SELECT sum(added) FROM session_log").Cells)
}

// beforeTheFirstRelease: the numbers of older tables mean something else.
func beforeTheFirstRelease(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	rowsOfMany(t, cfg, "UPDATE sessionlog_migrations SET name = '0001_schema.sql'; INSERT INTO sessionlog_migrations VALUES (4, '0004_summary.sql', now())")
	s := newStore(t, cfg)
	err := s.Start(t.Context())
	stopStore(t, s)
	require.ErrorIs(t, err, backend.ErrMisconfigured)
	require.ErrorContains(t, err, "from before 0.1.0")
	rowsOfMany(t, cfg, "DELETE FROM sessionlog_migrations; INSERT INTO sessionlog_migrations VALUES (1, '0001_storage.sql', now())") // as CHANGELOG.md says
	stopStore(t, started(t, cfg))
}

// redshiftWords: records of PostgreSQL stand in Redshift's view under its words, where they are asked for.
func redshiftWords(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	const query = "SELECT event, username, duration FROM stl_connection_log ORDER BY recordtime"
	s := startStore(t, cfg)
	var all []*session.Event
	for i, c := range []struct {
		kind    session.Kind
		outcome session.Outcome
		word    string
	}{
		{session.KindLogin, session.OutcomeSuccess, "connection ready"},
		{session.KindLogin, session.OutcomeFailure, "FATAL"},
		{session.KindSessionUpdate, session.OutcomeFailure, "FATAL"},
		{session.KindLogout, session.OutcomeSuccess, "disconnection"},
	} {
		e := at(time.Unix(1_790_000_000+int64(i), 0), "alice")
		e.System, e.Kind, e.Outcome, e.SourceEvent = session.SystemPostgreSQL, c.kind, c.outcome, c.word
		all = append(all, e)
	}
	redshift := at(time.Unix(1_790_000_100, 0), "bob")
	redshift.System, redshift.SourceEvent = session.SystemRedshift, "something new"
	redshift.Extra = []session.Attr{{Key: session.SourceField + "duration", Value: "-294967296", Type: session.AttrInt}}
	write1(t, s, seq(append(all, redshift)...))
	bob := []string{"something new", "bob", "-294967296"}
	require.Equal(t, [][]string{bob}, rowsOf(t, cfg, query).Cells)

	with := cfg
	with.STLConnectionLog.IncludePostgreSQL = true
	startStore(t, with)
	require.Equal(t, [][]string{
		{"authenticated", "alice", "0"},
		{"authentication failure", "alice", "0"},
		{"authentication failure", "alice", "0"},
		{"disconnecting session", "alice", "0"},
		bob,
	}, rowsOf(t, cfg, query).Cells)
}

// brokenRow: somebody has written a row by hand that says nothing we understand. It keeps nobody from writing, and is an error for who reads it.
func brokenRow(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	s := startStore(t, cfg)
	e := at(time.Now(), "alice")
	write1(t, s, seq(e))
	rowsOf(t, cfg, `UPDATE session_events SET attributes = '"no object"'`)
	require.Equal(t, backend.Result{Written: 1, Duplicates: 1}, write1(t, s, seq(e, at(time.Now(), "bob"))))
	for _, err := range backendtest.StoredEvents(t.Context(), OpenQueryStore, cfg, "record_id") {
		require.ErrorContains(t, err, "attributes")
		break
	}
}
