package plogs

import (
	"strings"
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

// What a sender wrote is kept, also where it begins like a line of ours.
func TestASendersBodyThatBeginsLikeOursIsKept(t *testing.T) {
	e := session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: "alice", RecordID: session.ID{1}}
	for _, body := range []string{
		"login failed: wrong password", "login: user alice came", "event: user=alice was seen", "logout: client=10.0.0.1 idle", `login: user="alice" again`,
	} {
		e.Message = body
		require.Equal(t, body, roundTrip(t, e)[0].Message)
	}
}

// FuzzOurOwnBody: no value makes a line that is kept, nor does one that was cut off.
func FuzzOurOwnBody(f *testing.F) {
	f.Add("alice", "10.0.0.1", "TCP", int64(1500000000), 30)
	f.Add("a b", `"`, "\\", int64(0), 17)
	f.Add(strings.Repeat("é", 300), "\xff\x00", " port=", int64(-1), 500)
	f.Fuzz(func(t *testing.T, user, client, way string, duration int64, cut int) {
		e := session.Event{
			Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: user, UserEmpty: true, ClientAddress: client, ClientPort: 5, Interface: way,
			AuthMethod: "password", ErrorType: "_OTHER", Duration: duration,
		}
		line := string(e.AppendLine(nil))
		require.True(t, e.IsLine(line), line)
		verb := len("login failed:")
		if cut > verb && cut < len(line) {
			require.True(t, e.IsLine(line[:cut]), line[:cut])
		}
	})
}
