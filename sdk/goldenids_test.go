package sessionlog

import (
	"sync/atomic"
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestIDsNeverChange: a record's is random but for its process, so that is fixed here.
func TestIDsNeverChange(t *testing.T) {
	g := idGenerator{namespace: "shop", process: [16]byte{1, 15: 2}, eventCount: &atomic.Int64{}}
	const at = 1_795_000_000_123_456_789
	var golden sessiontest.GoldenIDs
	golden.Add("two logins of one session",
		session.Event{Kind: session.KindLogin, Time: at, RecordID: g.newRecordID(at), SessionKey: g.sessionKey("s-1")},
		session.Event{Kind: session.KindLogin, Time: at, RecordID: g.newRecordID(at), SessionKey: g.sessionKey("s-1")})
	golden.Check(t, "testdata/golden_ids")
}
