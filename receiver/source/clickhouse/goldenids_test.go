package clickhouse

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestIDsNeverChange: of rows that a real server gives over SQL, by either protocol.
func TestIDsNeverChange(t *testing.T) {
	s := testengine.ClickHouse(t)
	table := newLog(t, s)
	s.Exec(t, "INSERT INTO "+table+` (hostname, type, auth_id, event_time_microseconds, user, auth_type, client_address, client_port, interface) VALUES
		('ch-0', 'LoginSuccess', '94d22223-5d67-41ef-a59e-48c95812a97b', '2026-11-18 11:06:40.123456', 'alice', 'SHA256_PASSWORD', '::ffff:10.0.0.7', 40000, 'TCP'),
		('ch-0', 'Logout', '94d22223-5d67-41ef-a59e-48c95812a97b', '2026-11-18 11:06:41.5', 'alice', 'SHA256_PASSWORD', '::ffff:10.0.0.7', 40000, 'TCP'),
		('ch-0', 'LoginFailure', '557a47b5-c06b-4ffb-a790-c0babeae6470', '2026-11-18 11:06:42', NULL, NULL, '2001:db8::17', 40001, 'HTTP')`)
	for _, protocol := range []string{"native", "http"} {
		cfg := reads(s, table)
		cfg.Endpoints = []string{endpoint(s, protocol)}
		r := run(t, cfg, nil)
		eventually(t, "three events", func() bool { return len(r.emit.Delivered()) >= 3 })
		var g sessiontest.GoldenIDs
		g.Add("system.session_log", r.emit.Delivered()...)
		g.Check(t, "testdata/golden_ids")
	}
}
