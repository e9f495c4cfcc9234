package postgresql

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// dashboards: every query of Grafana's dashboards gives rows to the account that docs/dashboards.md makes, and none walks through a partition.
func dashboards(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	const events, step = 10_000, 10 * time.Minute
	write1(t, startStore(t, cfg), backendtest.DashboardEvents(events, step))
	for _, statement := range backendtest.DocumentedAccount(t, "PostgreSQL") {
		pg.ExecIn(t, server.AppDB, strings.NewReplacer("'…'", "'secret'", "SCHEMA sessionlog ", "SCHEMA "+cfg.Schema+" ", "sessionlog.", cfg.Schema+".",
			"= sessionlog", "= "+cfg.Schema).Replace(statement))
	}
	defer pg.ExecIn(t, server.AppDB, "DROP OWNED BY grafana; DROP ROLE grafana")
	grafana, err := pgconn.Connect(t.Context(), pg.DSN("grafana", "secret", server.AppDB))
	require.NoError(t, err)
	defer closeGracefully(grafana)
	for _, file := range []string{"logins-postgresql.json", "one-user-postgresql.json"} {
		d := backendtest.Dashboard{File: file, Macros: pluginMacros(time.Now().Add(-5*24*time.Hour), time.Now()), AllValue: "'~'"}
		for _, chosen := range d.Choices() {
			for _, q := range d.Queries(t, chosen) {
				rows := textsOf(t, grafana, q.SQL)
				require.NotEmpty(t, rows, "%s: %s\n%s", file, q.Title, q.SQL)
				if strings.HasSuffix(q.Title, "in this span of time") && chosen["user"] == backendtest.HostileDashboardUser {
					require.Equal(t, []string{"1", "1"}, rows[0][:2], q.SQL)
				}
				plan := fmt.Sprint(textsOf(t, grafana, "BEGIN; SET LOCAL enable_seqscan = off; EXPLAIN "+q.SQL+"; COMMIT"))
				require.NotContains(t, plan, "Seq Scan on session_events", "%s: %s\n%s", file, q.Title, q.SQL)
			}
		}
	}
}

// pluginMacros are those of the plugin grafana-postgresql-datasource, and Grafana's own $__interval, as its documentation has them.
func pluginMacros(from, to time.Time) map[string]func([]string) string {
	return map[string]func([]string) string{
		"timeFilter": func(a []string) string {
			return fmt.Sprintf("%s BETWEEN '%s' AND '%s'", a[0], from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
		},
		"timeGroupAlias": func(a []string) string {
			return fmt.Sprintf(`floor(extract(epoch from %s)/60)*60 AS "time"`, a[0])
		},
	}
}

// textsOf are the rows of all results of some SQL.
func textsOf(t *testing.T, conn *pgconn.PgConn, sql string) (rows [][]string) {
	t.Helper()
	results, err := conn.Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err, sql)
	for _, result := range results {
		for _, row := range result.Rows {
			var texts []string
			for _, cell := range row {
				texts = append(texts, string(cell))
			}
			rows = append(rows, texts)
		}
	}
	return rows
}
