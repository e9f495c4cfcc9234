package redshift

import (
	"fmt"
	"testing"
	"time"
)

// Backlog runs BacklogSQL.
func (s *Server) Backlog(tb testing.TB, n int, spread time.Duration) {
	tb.Helper()
	s.Exec(tb, BacklogSQL(n, spread))
}

// BacklogSQL fills SYS_CONNECTION_LOG with n rows for benchmarks, four to a session as a cluster writes them, evenly spread over a
// stretch of time from 2026-11-01. The index stands for a log that lies in the order of time, of which blocks of another time are
// passed over; whether Redshift's views do that is not documented. Without it each question is a scan of the whole table.
func BacklogSQL(n int, spread time.Duration) string {
	return fmt.Sprintf(`TRUNCATE pg_catalog.sys_connection_log;
		INSERT INTO pg_catalog.sys_connection_log
		SELECT (ARRAY['authenticated', 'initiating session', 'set application_name', 'disconnecting session'])[1 + g %% 4],
			TIMESTAMP '2026-11-01 00:00:00' + g * (interval '%d microseconds' / %d),
			CASE WHEN s %% 10 = 0 THEN '[local]' ELSE '::ffff:10.0.' || s %% 4 || '.' || s %% 250 END, CASE WHEN s %% 10 = 0 THEN '' ELSE (1024 + s %% 64000)::text END,
			10000 + s %% 20000, 'warehouse', (ARRAY['alice', 'IAM:bob', 'etl_writer', 'grafana', 'rdsdb'])[1 + s %% 5],
			(ARRAY['password', 'IAM AssumeUser', 'password', 'password', 'Ident'])[1 + s %% 5], CASE WHEN g %% 4 = 3 THEN 1000000 + s %% 5000000 ELSE 0 END,
			'TLSv1.2', 'ECDHE-RSA-AES256-GCM-SHA384', 0, '', '', '', CASE WHEN g %% 4 < 2 THEN '' ELSE 'nightly load ' || s %% 40 END,
			'Amazon Redshift JDBC Driver 2.1.0.29', 'Linux 5.10.0 amd64', 'none', 2, md5(s::text)::uuid::text
		FROM (SELECT g, g / 4 AS s FROM generate_series(0, %d - 1) g) r;
		CREATE INDEX IF NOT EXISTS by_time ON pg_catalog.sys_connection_log (record_time);
		ANALYZE pg_catalog.sys_connection_log`, spread.Microseconds(), n, n)
}
