package postgresql

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestStatements holds every statement to a file that people can read. The tables and views are in migrations/.
func TestStatements(t *testing.T) {
	for _, dialect := range []Dialect{DialectPostgreSQL, DialectRedshift} {
		t.Run(string(dialect), func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Dialect, cfg.TablePrefix = dialect, "audit_"
			st := cfg.statements()
			var text strings.Builder
			for _, s := range []struct{ name, sql string }{
				{"direct", st.direct},
				{"begin", st.begin},
				{"stage", st.stage},
				{"insert", st.insert},
				{"differing", st.differing},
				{"clear", st.clear},
				{"keep", st.keep},
				{"select", st.selects},
			} {
				if s.sql != "" {
					text.WriteString("-- " + s.name + "\n" + strings.TrimSpace(s.sql) + ";\n\n")
				}
			}
			golden(t, "statements_"+string(dialect)+".sql", text.String())
		})
	}
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

// TestColumns: the list of columns, the field table and the tables of both dialects have the same columns in the same order.
func TestColumns(t *testing.T) {
	var ours []string
	for _, c := range columns {
		ours = append(ours, c.name)
	}
	var fields []string
	for _, f := range session.Fields {
		if !slices.Contains(fields, f.Column) {
			fields = append(fields, f.Column)
		}
	}
	ownOnes := []string{"time_ns", "observed_ns", "attributes_exact"}
	require.Equal(t, fields, slices.DeleteFunc(slices.Clone(ours), func(n string) bool { return slices.Contains(ownOnes, n) }))

	for _, dialect := range []Dialect{DialectPostgreSQL, DialectRedshift} {
		sql := files[dialect][0].SQL
		for _, table := range []string{"session_events", "session_conflicts"} {
			_, body, found := strings.Cut(sql, "CREATE TABLE "+table+" (\n")
			require.True(t, found)
			body, _, _ = strings.Cut(body, "\n)")
			if strings.Contains(body, "LIKE session_events") {
				continue
			}
			var names []string
			for _, m := range regexp.MustCompile(`(?m)^    "?([a-z_]+)"? +[a-z]`).FindAllStringSubmatch(body, -1) {
				names = append(names, m[1])
			}
			require.Equal(t, ours, slices.DeleteFunc(names, func(n string) bool { return n == "arrived" }), "%s of %s", table, dialect)
		}
	}
}

// migrationsByHand: a schema made by hand from the files is what create_schema: false asks for.
func migrationsByHand(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	cfg.CreateSchema = false
	err := newStore(t, cfg).Start(t.Context())
	require.ErrorIs(t, err, ErrNoSchema)
	require.ErrorContains(t, err, "create_schema")

	rowsOf(t, cfg, migrationsTable)
	for i, m := range files[DialectPostgreSQL] {
		s := &store{cfg: cfg, log: nopLogger()}
		conn, err := s.connect(t.Context())
		require.NoError(t, err)
		require.NoError(t, exec(t.Context(), conn, m.SQL), m.Name)
		logOut(conn)
		require.Equal(t, i+1, m.Version)
		rowsOf(t, cfg, "INSERT INTO sessionlog_migrations VALUES ("+strconv.Itoa(m.Version)+", '"+m.Name+".sql', now())")
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
