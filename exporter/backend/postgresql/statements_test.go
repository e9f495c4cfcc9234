package postgresql

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestStatements holds every statement to a file that people can read. The tables and views are in migrations/.
func TestStatements(t *testing.T) {
	cfg := DefaultConfig()
	cfg.TablePrefix = "audit_"
	all := eventColumns
	defer func() { eventColumns = all }()
	eventColumns = eventColumns[:7] // the others stand in the same places
	st := cfg.newStatements()
	rows := &copyBatch{copied: []bool{true, true, false, true, true, false, false}}
	var text strings.Builder
	for _, s := range []struct{ name, sql string }{
		{"direct", rows.copyInto(st.events)},
		{"begin", st.begin},
		{"stage", rows.copyInto(stagingTable)},
		{"insert", st.insert},
		{"keep", st.keep},
		{"select", cfg.prefixNames("SELECT " + selectList() + " FROM session_events")},
		{"uncounted", st.uncounted + "('first', 'last', 1)"},
	} {
		text.WriteString("-- " + s.name + "\n" + strings.TrimSpace(s.sql) + ";\n\n")
	}
	golden(t, "statements.sql", text.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update and look at what it writes")
	require.Equal(t, string(want), got)
}

// TestColumns: the table has the columns that the program writes, whatever their order: an added one stands last.
func TestColumns(t *testing.T) {
	ours := []string{"content_hash"}
	for _, c := range eventColumns {
		ours = append(ours, c.name)
	}
	var there []string
	for _, f := range allMigrations {
		_, body, found := strings.Cut(f.SQL, "CREATE TABLE session_events (\n")
		if found {
			body, _, _ = strings.Cut(body, "\n)")
			for _, m := range regexp.MustCompile(`(?m)^    ([a-z_]+) +[a-z]`).FindAllStringSubmatch(body, -1) {
				there = append(there, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`(?m)^ALTER TABLE session_events ADD COLUMN ([a-z_]+) `).FindAllStringSubmatch(f.SQL, -1) {
			there = append(there, m[1])
		}
	}
	require.ElementsMatch(t, ours, there)
}

// migrationsByHand: a schema made by hand from the files is what create_schema: false asks for.
func migrationsByHand(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	cfg.CreateSchema = false
	err := newStore(t, cfg).Start(t.Context())
	require.ErrorIs(t, err, ErrNoSchema)
	require.ErrorContains(t, err, "create_schema")

	rowsOf(t, cfg, migrationsTable)
	for i, m := range allMigrations {
		s := &eventStore{cfg: cfg, log: nopLogger()}
		conn, err := s.openServerConn(t.Context())
		require.NoError(t, err)
		require.NoError(t, execStatements(t.Context(), conn, m.SQL), m.Name)
		closeGracefully(conn)
		require.Equal(t, i+1, m.Version)
		rowsOf(t, cfg, "INSERT INTO sessionlog_migrations VALUES ("+strconv.Itoa(m.Version)+", '"+m.Name+".sql', now())")
	}
	for _, v := range allViews {
		rowsOf(t, cfg, v.SQL)
	}
	s := startStore(t, cfg)
	require.Equal(t, 100, write1(t, s, typical(0, 100)).Written)
	require.Equal(t, 100, write1(t, s, typical(0, 100)).Duplicates)
	require.Equal(t, [][]string{{"100"}}, rowsOf(t, cfg, "SELECT count(*) FROM session_events_default").Cells, "nobody made partitions")
}

func newerSchema(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	rowsOf(t, cfg, "INSERT INTO sessionlog_migrations VALUES (99, '0099_future.sql', now())")
	err := newStore(t, cfg).Start(t.Context())
	require.ErrorIs(t, err, ErrNewerSchema)
}

func tablePrefix(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	other := cfg
	cfg.TablePrefix, other.TablePrefix = "audit_", "lab_"
	a, b := startStore(t, cfg), startStore(t, other)
	require.Equal(t, 10, write1(t, a, typical(0, 10)).Written)
	require.Equal(t, 20, write1(t, b, typical(0, 20)).Written)
	require.Len(t, readAll(t, cfg), 10)
	require.Equal(t, [][]string{{"20"}}, rowsOf(t, cfg, "SELECT count(*) FROM lab_session_log").Cells)
	names := rowsOf(t, cfg, "SELECT relname FROM pg_class WHERE relnamespace = '"+cfg.Schema+"'::regnamespace").Cells
	for _, n := range names {
		require.Regexp(t, "^(audit|lab)_", n[0])
	}
}
