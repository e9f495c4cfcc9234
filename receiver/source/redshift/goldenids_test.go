package redshift

import (
	"slices"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// TestIDsNeverChange: of rows over SQL, from either system table.
func TestIDsNeverChange(t *testing.T) {
	s := redshift.Start(t, redshift.WideDuration())
	begin := time.Date(2026, 11, 18, 11, 6, 40, 123_456_000, time.UTC)
	var g sessiontest.GoldenIDs
	for _, table := range slices.Sorted(slices.Values(SystemTables)) {
		grant(t, s, table)
		insert(t, s, table, aSession(begin, 4711, "03e74c8e-1111-4222-8333-444455556666")...)
		cfg := config(s, redshift.Collector)
		cfg.Table = table
		g.Add(table, run(t, cfg, nil).waitEvents(t, 4)...)
	}
	g.Check(t, "testdata/golden_ids")
}
