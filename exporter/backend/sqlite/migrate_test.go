package sqlite

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestColumns: the tables have the columns that the program writes, whatever their order: an added one stands last.
func TestColumns(t *testing.T) {
	cfg := testConfig(t)
	startStore(t, cfg)
	written := []string{"arrival", "content_hash"}
	for _, c := range eventColumns {
		written = append(written, c.name)
	}
	require.ElementsMatch(t, written, tableColumns(t, cfg, "session_events"))
	require.ElementsMatch(t, written, tableColumns(t, cfg, "session_conflicts"))
}

func tableColumns(t *testing.T, cfg Config, table string) (names []string) {
	for _, r := range (file{cfg}).Query(t, "SELECT name FROM pragma_table_info('"+table+"')").Cells {
		names = append(names, r[0])
	}
	return names
}

// TestAddedColumn: from every version on, a newer program adds a column to a table with rows and makes a view anew; what is there stays.
func TestAddedColumn(t *testing.T) {
	filesBefore, viewsBefore, columnsBefore := allMigrations, allViews, eventColumns
	defer func() { allMigrations, allViews, eventColumns = filesBefore, viewsBefore, columnsBefore }()
	newer := slices.Clone(viewsBefore)
	at := slices.IndexFunc(newer, func(v migrations.View) bool { return v.Name == "session_log" })
	newer[at].SQL = strings.Replace(newer[at].SQL, "\nFROM (", ",\n    added\nFROM (", 1)
	for version := 1; version <= len(filesBefore); version++ {
		cfg := testConfig(t)
		allMigrations, eventColumns = filesBefore, columnsBefore
		allMigrations, allViews, eventColumns = filesBefore[:version], nil, backendtest.ColumnsAt(filesBefore[:version], eventColumns, func(c eventColumn) string { return c.name })
		old := startedStore(t, cfg)
		_, err := old.Write(t.Context(), typical(0, 10))
		require.NoError(t, err)
		require.NoError(t, old.Shutdown(context.Background()))

		allMigrations = append(slices.Clone(filesBefore), migrations.File{Version: len(filesBefore) + 1, Name: "added", SQL: fmt.Sprintf(
			"ALTER TABLE session_events ADD COLUMN added TEXT;\nALTER TABLE session_conflicts ADD COLUMN added TEXT;\n"+
				"INSERT INTO sessionlog_migrations VALUES (%d, 'added', '')", len(filesBefore)+1)})
		allViews, eventColumns = newer, columnsBefore
		s := startedStore(t, cfg)
		res, err := s.Write(t.Context(), typical(0, 20))
		require.NoError(t, err)
		require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, res)
		require.Equal(t, [][]string{{"20", "0"}}, file{cfg}.Query(t, "SELECT count(*), count(added) FROM session_log").Cells)
		require.NoError(t, s.Shutdown(context.Background()))

		made := file{cfg}.Query(t, "PRAGMA schema_version").Cells
		s = startedStore(t, cfg)
		require.NoError(t, s.Shutdown(context.Background()))
		require.Equal(t, made, file{cfg}.Query(t, "PRAGMA schema_version").Cells, "a view that is as it should be is left alone")
	}
}

func startedStore(t *testing.T, cfg Config) *eventStore {
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	return s
}

// TestNamesThatAreTaken: somebody else's view of the same name stays, and so does his table.
func TestNamesThatAreTaken(t *testing.T) {
	for _, theirs := range []string{"CREATE VIEW sessions AS SELECT 42 AS mine", "CREATE TABLE sessions (mine)"} {
		cfg := testConfig(t)
		cfg.Path = filepath.Join(t.TempDir(), "theirs.db")
		conn, err := sqlite.OpenConn(cfg.Path)
		require.NoError(t, err)
		require.NoError(t, sqlitex.ExecuteScript(conn, theirs, nil))
		require.NoError(t, conn.Close())
		err = newStore(t, cfg).Start(t.Context())
		require.ErrorIs(t, err, backend.ErrMisconfigured)
		require.ErrorIs(t, err, backend.ErrNameTaken)
		require.ErrorContains(t, err, "table_prefix")
		require.Equal(t, [][]string{{theirs}}, file{cfg}.Query(t, "SELECT sql FROM sqlite_schema").Cells)
	}
}

// TestBeforeTheFirstRelease: the numbers of older tables mean something else.
func TestBeforeTheFirstRelease(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, startedStore(t, cfg).Shutdown(context.Background()))
	run(t, cfg, "UPDATE sessionlog_migrations SET name = 'partitions'; INSERT INTO sessionlog_migrations VALUES (3, 'seals', '')")
	s := newStore(t, cfg)
	err := s.Start(t.Context())
	require.ErrorIs(t, err, backend.ErrMisconfigured)
	require.ErrorContains(t, err, "from before 0.1.0")
	run(t, cfg, "DELETE FROM sessionlog_migrations; INSERT INTO sessionlog_migrations VALUES (1, 'storage', datetime())") // as CHANGELOG.md says
	require.NoError(t, startedStore(t, cfg).Shutdown(context.Background()))
}

func TestNewerSchema(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	require.NoError(t, s.Shutdown(context.Background()))
	run(t, cfg, "INSERT INTO sessionlog_migrations VALUES (99, 'from the future', '')")
	err := newStore(t, cfg).Start(t.Context())
	require.ErrorIs(t, err, ErrNewerSchema)
	require.ErrorContains(t, err, "version 99")
}

// run executes a script as somebody would by hand.
func run(t *testing.T, cfg Config, sql string) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(conn, sql, nil))
	require.NoError(t, conn.Close())
}

// TestSchemaByHand: create_schema off, and somebody runs the files himself.
func TestSchemaByHand(t *testing.T) {
	cfg := testConfig(t)
	cfg.CreateSchema = false
	require.ErrorIs(t, newStore(t, cfg).Start(t.Context()), ErrNoSchema)
	for i, m := range allMigrations {
		run(t, cfg, m.SQL)
		require.Equal(t, [][]string{{strconv.Itoa(i + 1)}}, file{cfg}.Query(t, "SELECT max(version) FROM sessionlog_migrations").Cells)
	}
	for _, v := range allViews {
		run(t, cfg, v.SQL)
	}
	s := startStore(t, cfg)
	res, err := s.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	require.Equal(t, 10, res.Written)
	require.Empty(t, warningsOfStart(t, cfg))
	run(t, cfg, "DROP VIEW sessions; DROP VIEW session_log; CREATE VIEW session_log AS SELECT 1")
	warnings := warningsOfStart(t, cfg)
	require.Len(t, warnings, 1)
	require.Equal(t, []any{"session_log", "sessions"}, warnings[0].ContextMap()["views"])
}

func warningsOfStart(t *testing.T, cfg Config) []observer.LoggedEntry {
	core, logs := observer.New(zap.WarnLevel)
	s := newStore(t, cfg)
	s.log = zap.New(core)
	require.NoError(t, s.Start(t.Context()))
	require.NoError(t, s.Shutdown(t.Context()))
	return logs.All()
}

// TestViewsOfANewerProgram: of two versions that open the file in turns the newer one decides what the views are.
func TestViewsOfANewerProgram(t *testing.T) {
	cfg := testConfig(t)
	warningsOfStart(t, cfg)
	const theirs = "DROP VIEW sessions; CREATE VIEW sessions AS SELECT 42 AS added; UPDATE sessionlog_settings SET value = "
	run(t, cfg, theirs+strconv.Itoa(migrations.ViewRevision+1)+" WHERE name = 'view_revision'")
	warningsOfStart(t, cfg)
	require.Equal(t, [][]string{{"42"}}, file{cfg}.Query(t, "SELECT added FROM sessions").Cells)
	run(t, cfg, theirs+strconv.Itoa(migrations.ViewRevision)+" WHERE name = 'view_revision'")
	warningsOfStart(t, cfg)
	require.Empty(t, file{cfg}.Query(t, "SELECT state FROM sessions").Cells)
}

// TestTablePrefix: two prefixes share a file and nothing else.
func TestTablePrefix(t *testing.T) {
	one, two := testConfig(t), DefaultConfig()
	one.TablePrefix, two.TablePrefix, two.Path = "eu_", "us_", one.Path
	s1, s2 := startStore(t, one), startStore(t, two)
	_, err := s1.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	_, err = s2.Write(t.Context(), typical(0, 3))
	require.NoError(t, err)
	require.Len(t, readAll(t, one), 10)
	require.Len(t, readAll(t, two), 3)
	require.Equal(t, [][]string{{"10"}}, file{one}.Query(t, "SELECT count(*) FROM eu_session_log").Cells)
	names := file{one}.Query(t, "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'eu\\_%' ESCAPE '\\' AND name NOT LIKE 'us\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite_%'")
	require.Empty(t, names.Cells, "everything of ours bears its prefix")
	require.Empty(t, file{one}.Query(t, "SELECT * FROM eu_stl_connection_log").Cells)
	require.Len(t, file{one}.Query(t, "SELECT * FROM eu_sessions").Cells, 5)
}

// TestViewSettings: what the configuration tells the views holds from the next start on.
func TestViewSettings(t *testing.T) {
	cfg := testConfig(t)
	event := &session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemPostgreSQL, SourceEvent: "connection ready",
		Time: 1, RecordID: session.ID{1}, SessionKey: session.ID{2},
	}
	for _, c := range []struct {
		include bool
		assumed int
		rows    [][]string
		state   string
	}{{false, 1, nil, "assumed closed"}, {true, 0, [][]string{{"authenticated"}}, "open"}, {false, 1, nil, "assumed closed"}} {
		cfg.STLConnectionLog.IncludePostgreSQL = c.include
		cfg.Sessions.AssumedClosedAfter *= 0
		if c.assumed > 0 {
			cfg.Sessions = DefaultConfig().Sessions
		}
		s := newStore(t, cfg)
		require.NoError(t, s.Start(t.Context()))
		_, err := s.Write(t.Context(), seq(event))
		require.NoError(t, err)
		require.Equal(t, c.rows, file{cfg}.Query(t, "SELECT event FROM stl_connection_log").Cells)
		require.Equal(t, [][]string{{c.state}}, file{cfg}.Query(t, "SELECT state FROM sessions").Cells)
		require.NoError(t, s.Shutdown(context.Background()))
	}
}

// TestDurable reads back what the promise rests on.
func TestDurable(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, cfg.makeDatabaseFile(zap.NewNop()))
	for want, level := range map[int]Synchronous{2: SynchronousFull, 1: SynchronousNormal} {
		cfg.Synchronous = level
		conn, err := cfg.openDurableConn(t.Context())
		require.NoError(t, err)
		got, err := sqlitex.ResultInt(conn.Prep("PRAGMA synchronous"))
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, conn.Close())
	}
}

// TestLibraryVersions: SQLite before 3.51.3 could damage a write-ahead log, and modernc.org/libc must be the very version
// that modernc.org/sqlite was made with.
func TestLibraryVersions(t *testing.T) {
	require.GreaterOrEqual(t, sqlite.VersionNumber, 3051003)
	list := func(module, format string) string {
		out, err := exec.Command("go", "list", "-m", "-f", format, module).Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	requires := list("modernc.org/sqlite", `{{.GoMod}}`)
	out, err := exec.Command("go", "mod", "edit", "-print", requires).Output()
	require.NoError(t, err)
	made := regexp.MustCompile(`modernc\.org/libc (\S+)`).FindStringSubmatch(string(out))
	require.Len(t, made, 2)
	require.Equal(t, made[1], list("modernc.org/libc", `{{.Version}}`))
}
