package plogs

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
)

// A record without an id is completed whatever its scope is called: without an id no store could take it.
func TestAScopeThatIsCalledLikeOurs(t *testing.T) {
	e := decodeOne(t, senderLogs(func(sl plog.ScopeLogs, lr plog.LogRecord) {
		sl.Scope().SetName(ScopeName)
		lr.Attributes().PutStr("session.id", "s-1")
		lr.Attributes().PutStr("log.record.uid", "7")
		lr.Body().SetStr("hello")
	}))
	require.False(t, e.RecordID.IsZero())
	require.False(t, e.SessionKey.IsZero())
	require.Equal(t, int64(7e9), e.Time)
	require.Equal(t, "hello", e.Message)
	require.Contains(t, e.Extra, session.Attr{Key: "sessionlog.sender.record.uid", Value: "7"})
}

// Our own body is made of the fields, and does not come back: a field that a processor took away is not in the record then.
func TestOurOwnBodyIsNotKept(t *testing.T) {
	e := session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, User: "alice", RecordID: session.ID{1}}
	for _, change := range []map[string]string{{}, {"user.name": "x"}, {"sessionlog.outcome": "failure"}, {"sessionlog.interface": "TCP"}} {
		ld := NewEncoder("test").Encode([]session.Event{e})
		for key, s := range change {
			ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr(key, s)
		}
		require.Empty(t, decodeOne(t, ld).Message)
	}
	e.Message = "as its sender said"
	require.Equal(t, e.Message, roundTrip(t, e)[0].Message)
}
