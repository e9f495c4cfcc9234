package plogs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// ourRecord is a record of an application whose name is in no event name.
func ourRecord(t testing.TB, attrs map[string]any) plog.Logs {
	return foreignLogs(t, "", attrs)
}

func TestOurNamesInAnyCaseAndPlace(t *testing.T) {
	for name, want := range map[string]session.Kind{
		"sessionlog.login": session.KindLogin, "sessionlog.Login": session.KindLogin, "SessionLog.Logout": session.KindLogout,
		"SESSIONLOG.SESSION.START": session.KindSessionStart, "sessionlog.session.Update": session.KindSessionUpdate,
	} {
		for _, key := range []string{"", "event.name", "otel.event.name"} {
			logs := foreignLogs(t, name, map[string]any{"user.name": "alice"})
			if key != "" {
				logs = ourRecord(t, map[string]any{key: name, "user.name": "alice"})
			}
			e := decodeOne(t, logs)
			require.Equal(t, want, e.Kind, "%s in %q", name, key)
			require.Equal(t, []session.Attr{{Key: "otel.scope.name", Value: "shop/login"}}, e.Extra, "the kind says it already")
		}
	}
	beside := foreignLogs(t, "audit", map[string]any{"event.name": "sessionlog.login"})
	require.Equal(t, session.KindLogin, decodeOne(t, beside).Kind, "what an SDK's event name says is not ours")
	for _, name := range []string{"sessionlog.", "sessionlog.Foo", "sessionlogin", "Sessionlog"} {
		require.False(t, IsEvent(ourRecord(t, map[string]any{"event.name": name}).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)), name)
	}
}

// TestOutcomesOfForeignSenders: in any spelling, and where none is said, by what else the record says.
func TestOutcomesOfForeignSenders(t *testing.T) {
	const success, failure, unknown = session.OutcomeSuccess, session.OutcomeFailure, session.OutcomeUnknown
	for _, c := range []struct {
		name  string
		attrs map[string]any
		want  session.Outcome
		kept  []session.Attr
	}{
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "success"}, success, nil},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "Success"}, success, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "Success"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "FAILURE"}, failure, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "FAILURE"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "ok"}, success, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "ok"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "denied"}, failure, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "denied"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": true}, success, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "true", Type: session.AttrBool}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": false}, failure, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "false", Type: session.AttrBool}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": []any{"declined"}}, failure, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: `["declined"]`, Type: session.AttrJSON}}},
		{"", map[string]any{"event.category": "Authentication", "event.type": []any{"Start"}, "event.outcome": "timed_out"}, failure, []session.Attr{
			{Key: "event.category", Value: "Authentication"}, {Key: "event.type", Value: `["Start"]`, Type: session.AttrJSON}, {Key: "event.outcome", Value: "timed_out"},
		}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "maybe"}, unknown, []session.Attr{{Key: "sessionlog.outcome", Value: "maybe"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "maybe", "error.type": "timeout"}, failure, []session.Attr{{Key: "sessionlog.source.field.sessionlog.outcome", Value: "maybe"}}},
		{"sessionlog.login", map[string]any{"sessionlog.outcome": "unknown", "error.type": "timeout"}, unknown, nil},
		{"sessionlog.login", map[string]any{"event.outcome": "success"}, success, []session.Attr{{Key: "event.outcome", Value: "success"}}},
		{"sessionlog.login", map[string]any{"event.outcome": "Denied"}, failure, []session.Attr{{Key: "event.outcome", Value: "Denied"}}},
		{"sessionlog.login", map[string]any{"event.outcome": "maybe", "sessionlog.outcome": "success"}, success, []session.Attr{{Key: "event.outcome", Value: "maybe"}}},
		{"sessionlog.login", map[string]any{"error.type": "invalid_credentials"}, failure, nil},
		{"sessionlog.login", map[string]any{"sessionlog.failure.reason": "wrong password"}, failure, nil},
		{"sessionlog.login", nil, unknown, nil},
		{"sessionlog.logout", nil, success, nil},
		{"sessionlog.logout", map[string]any{"error.type": "_OTHER"}, failure, nil},
		{"sessionlog.session.start", nil, success, nil},
		{"sessionlog.session.update", nil, unknown, nil},
		{"user.logout", nil, success, nil},
		{"user.login", map[string]any{"event.outcome": "Denied"}, failure, []session.Attr{{Key: "event.outcome", Value: "Denied"}}},
		{"user.login", map[string]any{"audit.outcome": "ALLOW"}, success, []session.Attr{{Key: "audit.outcome", Value: "ALLOW"}}},
		{"user.login", map[string]any{"event.outcome": "unknown", "error.type": "x"}, unknown, []session.Attr{{Key: "event.outcome", Value: "unknown"}}},
	} {
		e := decodeOne(t, foreignLogs(t, c.name, c.attrs))
		require.Equal(t, c.want, e.Outcome, "%s %v", c.name, c.attrs)
		require.ElementsMatch(t, append(c.kept, session.Attr{Key: "otel.scope.name", Value: "shop/login"}), e.Extra, "%s %v", c.name, c.attrs)
		back := roundTrip(t, e)
		require.True(t, sessiontest.SameContent(&back[0], &e))
	}
	ours := session.Event{Kind: session.KindLogout, RecordID: session.ID{1}, ErrorType: "x"}
	require.Equal(t, unknown, roundTrip(t, ours)[0].Outcome, "what our own receiver says counts as it is")
}

// TestTimesOfForeignSenders: in the unit that the number can only be in.
func TestTimesOfForeignSenders(t *testing.T) {
	at := time.Date(2026, 11, 22, 2, 21, 16, 0, time.UTC)
	want := at.UnixNano()
	for name, c := range map[string]struct{ time, observed, want uint64 }{
		"nanoseconds":              {uint64(want), 1, uint64(want)},
		"microseconds":             {uint64(at.UnixMicro()), 1, uint64(want)},
		"milliseconds":             {uint64(at.UnixMilli()), 1, uint64(want)},
		"seconds":                  {uint64(at.Unix()), 1, uint64(want)},
		"none":                     {0, uint64(want), uint64(want)},
		"none, observed in millis": {0, uint64(at.UnixMilli()), uint64(want)},
		"in no unit":               {7, uint64(want), uint64(want)},
		"too large":                {1 << 63, uint64(want), uint64(want)},
	} {
		logs := foreignLogs(t, "sessionlog.login", nil)
		lr := logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		lr.SetTimestamp(pcommon.Timestamp(c.time))
		lr.SetObservedTimestamp(pcommon.Timestamp(c.observed))
		e := decodeOne(t, logs)
		require.Equal(t, int64(c.want), e.Time, name)
	}
	ours := session.Event{Kind: session.KindLogin, RecordID: session.ID{1}, Time: 1}
	require.EqualValues(t, 1, roundTrip(t, ours)[0].Time, "what our own receiver says counts as it is")
}

func TestAddressesOfForeignSenders(t *testing.T) {
	for text, want := range map[string]session.Event{
		"192.0.2.1:5000": {ClientAddress: "192.0.2.1", ClientPort: 5000}, "::ffff:192.0.2.1": {ClientAddress: "192.0.2.1"}, "-": {}, "192.0.2.1, 10.0.0.1": {ClientAddress: "192.0.2.1"},
	} {
		e := decodeOne(t, foreignLogs(t, "sessionlog.login", map[string]any{"client.address": text}))
		require.Equal(t, want.ClientAddress, e.ClientAddress, text)
		require.Equal(t, want.ClientPort, e.ClientPort, text)
	}
}

func TestECSFieldsThatShippersWriteInOtherWays(t *testing.T) {
	login := func(attrs map[string]any) session.Event {
		attrs["event.category"], attrs["event.type"], attrs["event.outcome"] = []any{"authentication"}, []any{"start"}, "success"
		return decodeOne(t, foreignLogs(t, "", attrs))
	}
	require.Equal(t, "203.0.113.42", login(map[string]any{"source.ip": []any{"203.0.113.42"}}).ClientAddress)
	two := login(map[string]any{"source.ip": []any{"203.0.113.42", "10.0.0.1"}})
	require.Equal(t, "203.0.113.42", two.ClientAddress)
	require.Contains(t, two.Extra, attrJSON("source.ip", `["203.0.113.42","10.0.0.1"]`))
	for _, key := range foreignUserKeys {
		require.Equal(t, "alice", login(map[string]any{key: "alice"}).User, key)
		require.Equal(t, "bob", login(map[string]any{key: "alice", "user.name": "bob"}).User, key)
		if key != "enduser.id" && key != "audit.actor.id" { // which are no ECS
			require.Equal(t, "alice", login(map[string]any{key: []any{"alice"}}).User, key)
		}
	}
	require.Equal(t, "alice", login(map[string]any{"user.name": []any{"alice"}}).User)
}

// TestOriginalsInAnySpelling: whatever a sender puts there is kept, as a text.
func TestOriginalsInAnySpelling(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{"<38>sshd: Accepted", "<38>sshd: Accepted"},
		{[]byte("\xff\x00"), "\xff\x00"},
		{7, "7"},
		{true, "true"},
		{map[string]any{"a": []any{"b"}}, `{"a":["b"]}`},
		{[]any{"line 1", 2}, `["line 1",2]`},
	} {
		e := decodeOne(t, foreignLogs(t, "sessionlog.login", map[string]any{"log.record.original": c.value}))
		require.Equal(t, c.want, e.Original)
		require.Equal(t, c.want, roundTrip(t, e)[0].Original)
		e = decodeOne(t, foreignLogs(t, "user.login", map[string]any{"event.original": c.value}))
		require.Equal(t, c.want, e.Original)
	}
}
