package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// cluster is one with three access paths, and what each of them gives of its history.
type cluster struct {
	name     string
	accesses map[string]accessPath
	expect   map[string][]string // by access, as rows of our view
}

// newCluster makes the accesses. logFields is how long its lines in the file are; an old one's STL_CONNECTION_LOG has the documented
// columns alone.
func newCluster(t *testing.T, s *redshift.Server, name string, logFields int, swapped bool, stl []string) cluster {
	t.Helper()
	rows := history(logFields < 21)
	c := cluster{name, map[string]accessPath{}, map[string][]string{}}
	for access, columns := range map[string][]string{"stl": stl, "sys": sysColumns} {
		table := name + "_" + access
		s.Exec(t, "CREATE TABLE "+table+" (LIKE pg_catalog."+access+"_connection_log); GRANT SELECT ON "+table+" TO "+redshift.Collector.Name)
		insertHistory(t, s, table, columns, rows)
		c.accesses[access] = viewAccess(s, table, name, table, 7)
		c.expect[access] = c.rows(rows, len(columns), time.Microsecond)
	}
	c.accesses["file"] = fileAccess(name+"_file", name, writeLog(t, name, logFields, swapped, rows))
	c.expect["file"] = c.rows(rows, min(logFields, 21), time.Millisecond)
	return c
}

// rows are as an access path with so many columns tells them.
func (c *cluster) rows(history []connection, columns int, precision time.Duration) (rows []string) {
	for _, h := range history {
		h.at = h.at.Truncate(precision)
		cells := h.cells()
		for i := columns; i < len(cells); i++ {
			if cells[i] = ""; stlColumns[i] == "protocol_version" {
				cells[i] = "0"
			}
		}
		rows = append(rows, c.name+" "+strings.Join(cells, "¦"))
	}
	slices.Sort(rows)
	return rows
}

// stored is what a table's view shows, in the same form.
func (k table) stored(t *testing.T) (rows []string) {
	t.Helper()
	for _, r := range k.query(t, "SELECT "+strings.Join(stlColumns, ", ")+", instance FROM stl_connection_log") {
		last := len(r) - 1
		rows = append(rows, r[last]+" "+strings.Join(r[:last], "¦"))
	}
	slices.Sort(rows)
	return rows
}

// everywhere cuts rows to what every access path gives: milliseconds, and the first fifteen columns.
func everywhere(rows []string) (cut []string) {
	for _, r := range rows {
		cells := strings.Split(r, "¦")[:15]
		second, fraction, _ := strings.Cut(cells[1], ".")
		cells[1] = second + "." + (fraction + "000")[:3]
		cut = append(cut, strings.Join(cells, "¦"))
	}
	slices.Sort(cut)
	return cut
}

// TestRedshiftHistoryComesOutAsItWentIn: the history of three clusters through either view, through the audit log, and through all
// three at once, into both backends, and out of the view stl_connection_log: the same rows, column for column, each once.
func TestRedshiftHistoryComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	s := redshift.Start(t, redshift.WideDuration(), redshift.SessionID(), redshift.PostgreSQL(postgresql.Setting("fsync", "off")))
	s.Exec(t, "CREATE SCHEMA "+kept+" AUTHORIZATION "+redshift.Writer.Name)
	clusters := []cluster{
		newCluster(t, s, "east", 21, false, stlColumns),
		newCluster(t, s, "west", 21, true, stlColumns[:documentedColumns]),
		newCluster(t, s, "old", 16, false, stlColumns[:documentedColumns]),
	}
	expect, all := map[string][]string{}, pipes{}
	for _, access := range []string{"stl", "sys", "file", "every"} {
		p := all[access]
		for _, c := range clusters {
			for name, d := range c.accesses {
				if name == access || access == "every" {
					p.accesses = append(p.accesses, d)
				}
			}
			expect[access] = append(expect[access], c.expect[access]...)
		}
		slices.Sort(expect[access])
		for _, backend := range []string{"sqlite", "postgresql"} {
			p.tables = append(p.tables, &table{backend: backend, name: access, server: s})
		}
		all[access] = p
	}
	col := newRedshiftCollector(t, all)
	col.start(t)
	n := strconv.Itoa(len(expect["stl"]))
	for _, p := range all {
		for _, k := range p.tables {
			require.Eventually(t, func() bool { return k.count(t, "stl_connection_log") == n }, patience, 50*time.Millisecond, "%s %s: %s of %s rows",
				k.backend, k.name, k.count(t, "stl_connection_log"), n)
		}
	}
	col.stop(t) // what was told is committed
	for access, p := range all {
		for _, k := range p.tables {
			t.Run(access+" "+k.backend, func(t *testing.T) {
				require.Equal(t, "0", k.count(t, "session_conflicts"), "two access paths contradict each other")
				got := k.stored(t)
				if access != "every" {
					require.Equal(t, expect[access], got)
					return
				}
				require.Equal(t, everywhere(expect["stl"]), everywhere(got), "each once")
				for _, r := range got {
					require.True(t, slices.Contains(expect["stl"], r) || slices.Contains(expect["sys"], r) || slices.Contains(expect["file"], r), r)
				}
			})
		}
	}
}

// inOrder sorts by time; what is of one time stays in its order.
func inOrder(rows []connection) []connection {
	slices.SortStableFunc(rows, func(a, b connection) int { return a.at.Compare(b.at) })
	return rows
}
