package clickhouse

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// erasure: what docs/security.md says leaves nothing of a person in any table.
func erasure(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	backendtest.Erasure(t, backendtest.Harness{Dialect: backendtest.ClickHouse}, database{server, cfg}, []string{"session_events", "session_conflicts", "session_hours", "session_pairs"}, func() {},
		func(t *testing.T, statement string) {
			t.Helper()
			ask(t, server, cfg.Database, statement, "TSV")
		})
}
