package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// patience is how long rows may take on a machine that does much else.
const patience = 3 * time.Minute

// kept is the schema of PostgreSQL's tables, in the database behind the stand-in.
const kept = "kept"

// table is where one pipeline ends: a file of SQLite, or tables of PostgreSQL with a prefix.
type table struct {
	backend, name string
	col           *collector
	server        *redshift.Server
}

// query asks the table's views, which are named without their prefix.
func (k table) query(t *testing.T, sql string) [][]string {
	t.Helper()
	if k.backend == "sqlite" {
		return query(t, filepath.Join(k.col.dir, k.name+".db"), sql)
	}
	for _, view := range []string{"session_events", "session_conflicts", "stl_connection_log", "sessions"} {
		sql = strings.ReplaceAll(sql, " "+view, " "+kept+"."+k.name+"_"+view)
	}
	rows, err := k.server.TryQuery(t.Context(), sql)
	if err != nil { // not made yet
		require.ErrorContains(t, err, "does not exist")
	}
	return rows
}

// count is how many rows a view has: none while it is not there.
func (k table) count(t *testing.T, view string) string {
	t.Helper()
	rows := k.query(t, "SELECT count(*) FROM "+view)
	if len(rows) == 0 {
		return "0"
	}
	return rows[0][0]
}

// exporter is the table's, in YAML.
func (k table) exporter() string {
	where := "sqlite: {path: '$DIR/" + k.name + ".db'}"
	if k.backend == "postgresql" {
		where = fmt.Sprintf("postgresql: {endpoints: [%q], username: %s, password: %s, database: %s, schema: %s, table_prefix: %s_}",
			k.server.PostgreSQL.Address, redshift.Writer.Name, redshift.Writer.Password, redshift.Database, kept, k.name)
	}
	return fmt.Sprintf("  sessionlog/%s_%s:\n    %s\n    dead_letter: {directory: '$DIR/dead_letter/%[1]s_%[2]s'}\n", k.backend, k.name, where)
}

// accessPath is a receiver of the test's clusters, in YAML.
type accessPath struct{ name, instance, source string }

func viewAccess(s *redshift.Server, name, instance, table string, batch int) accessPath {
	return accessPath{name, instance, fmt.Sprintf("redshift: {endpoints: [%q], username: %s, password: %s, database: %s, table: %s, "+
		"collection_interval: 100ms, reconcile_interval: 1s, batch_size: %d}", "redshift://"+s.Address, redshift.Collector.Name, redshift.Collector.Password,
		redshift.Database, table, batch)}
}

func fileAccess(name, instance, dir string) accessPath {
	return accessPath{name, instance, fmt.Sprintf("file: {include: ['%s/*.gz'], poll_interval: 100ms}", dir)}
}

func (d accessPath) receiver() string {
	return fmt.Sprintf("  sessionlog/%s:\n    %s\n    instance: %s\n    storage: file_storage\n    dead_letter: {directory: '$DIR/dead_letter/%[1]s'}\n",
		d.name, d.source, d.instance)
}

// pipes says which access paths lead to which tables.
type pipes map[string]struct {
	accesses []accessPath
	tables   []*table
}

// newRedshiftCollector writes a configuration with a pipeline for each of pipes.
func newRedshiftCollector(t *testing.T, all pipes) *collector {
	t.Helper()
	var receivers, exporters, pipelines strings.Builder
	told := map[string]bool{}
	c := newCollector(t, "", "") // for its folder and its end
	for name, p := range all {
		var from, to []string
		for _, d := range p.accesses {
			if from = append(from, "sessionlog/"+d.name); !told[d.name] {
				told[d.name] = true
				receivers.WriteString(d.receiver())
			}
		}
		for _, k := range p.tables {
			k.col = c
			to = append(to, "sessionlog/"+k.backend+"_"+k.name)
			exporters.WriteString(k.exporter())
		}
		slices.Sort(from)
		fmt.Fprintf(&pipelines, "    logs/%s: {receivers: [%s], exporters: [%s]}\n", name, strings.Join(from, ", "), strings.Join(to, ", "))
	}
	text := "receivers:\n" + receivers.String() + "exporters:\n" + exporters.String() + `extensions:
  file_storage: {directory: '$DIR/storage', create_directory: true}
service:
  extensions: [file_storage]
  telemetry:
    metrics: {level: none}
  pipelines:
` + pipelines.String()
	require.NoError(t, os.WriteFile(c.config, []byte(strings.ReplaceAll(text, "$DIR", c.dir)), 0o600))
	return c
}
