package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// TestTheRedshiftExampleRuns: examples/redshift as it stands, TLS and all, with a cluster's view and a copy of its audit log.
func TestTheRedshiftExampleRuns(t *testing.T) {
	t.Parallel()
	s := redshift.Start(t, redshift.WideDuration(), redshift.PostgreSQL(postgresql.Setting("fsync", "off")))
	s.Exec(t, "GRANT SELECT ON sys_connection_log TO "+redshift.Collector.Name)
	rows := history(false)
	insertHistory(t, s, "pg_catalog.sys_connection_log", sysColumns, rows)
	col := newCollector(t, "", "")
	col.config = filepath.Join("..", "..", "examples", "redshift", "collector.yaml")
	require.NoError(t, os.Rename(writeLog(t, "warehouse", 21, false, rows), filepath.Join(col.dir, "audit")))
	col.env = environment(map[string]string{
		"REDSHIFT_ENDPOINT": "redshift://" + s.Address, "REDSHIFT_USER": redshift.Collector.Name, "REDSHIFT_PASSWORD": redshift.Collector.Password,
		"REDSHIFT_DATABASE": redshift.Database, "REDSHIFT_CA": s.CA(), "REDSHIFT_INTERVAL": "100ms", "SESSIONLOG_DATA": col.dir,
	})
	col.start(t)
	ask := func(sql string) string {
		if rows := query(t, col.database(), sql); len(rows) > 0 {
			return rows[0][0]
		}
		return "0"
	}
	n := strconv.Itoa(len(rows))
	require.Eventually(t, func() bool { return ask("SELECT count(*) FROM stl_connection_log") == n }, patience, 50*time.Millisecond)
	col.stop(t)
	require.Equal(t, "0", ask("SELECT count(*) FROM session_conflicts"))
	require.Equal(t, "11", ask("SELECT count(*) FROM sessions WHERE state = 'closed' AND duration = 5400000000000"))
}
