package correlation

import (
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestIDsNeverChange: whoever finds the same again makes the same record.
func TestIDsNeverChange(t *testing.T) {
	var g sessiontest.GoldenIDs
	var h session.Hasher
	for _, by := range AllEvidence() {
		l := rememberedLogin{system: "clickhouse", instance: "golden", uid: session.ID{1, 15: 2}, key: session.ID{3}, user: "alice", start: 1_795_000_000_123_456_789, by: by}
		g.Add(by.String(), l.updateEvent(&h, 0))
	}
	g.Check(t, "testdata/golden_ids")
}
