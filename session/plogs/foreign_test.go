package plogs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// foreignTime is when it happened.
const foreignTime = 1_795_000_000_123_456_789

// foreignLogs is a record of an application's SDK, with these attributes.
func foreignLogs(t testing.TB, name string, attrs map[string]any) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "webshop")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("shop/login")
	lr := sl.LogRecords().AppendEmpty()
	lr.SetEventName(name)
	lr.SetTimestamp(foreignTime)
	require.NoError(t, lr.Attributes().FromRaw(attrs))
	return ld
}

func TestForeignDialects(t *testing.T) {
	for _, c := range []struct {
		name  string
		event string
		attrs map[string]any
		want  session.Event
	}{
		{
			"ECS, a login", "",
			map[string]any{
				"event.category": []any{"authentication"}, "event.type": []any{"start"}, "event.outcome": "success", "event.action": "ssh_login", "event.id": "e1",
				"user.name": "alice", "user.id": "1000", "source.ip": "203.0.113.42", "source.port": 51544, "user_agent.original": "x", "authentication.type": "password",
			},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "ssh_login", User: "alice", UserID: "1000", ClientAddress: "203.0.113.42", ClientPort: 51544,
				UserAgent: "x", AuthMethod: "password", AuthType: "password",
				Extra: []session.Attr{attrJSON("event.category", `["authentication"]`), attrJSON("event.type", `["start"]`), {Key: "sessionlog.sender.record.uid", Value: "e1"}},
			},
		},
		{
			"ECS, a failure that only action and outcome tell", "",
			map[string]any{
				"event.category": "authentication", "event.action": "user-login", "event.outcome": "failure", "event.reason": "wrong password", "event.code": 4625,
				"user.name": "bob", "client.address": "198.51.100.7", "source.ip": "10.0.0.1",
			},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, SourceEvent: "user-login", User: "bob", ClientAddress: "198.51.100.7", FailureReason: "wrong password",
				StatusCode: "4625", Extra: []session.Attr{{Key: "event.category", Value: "authentication"}, {Key: "source.ip", Value: "10.0.0.1"}},
			},
		},
		{
			"ECS, a logout", "",
			map[string]any{"event.category": []any{"session"}, "event.type": "end", "event.duration": 61_000_000_000, "user.name": "alice", "session.id": "s1"},
			session.Event{
				Kind: session.KindLogout, Outcome: session.OutcomeSuccess, User: "alice", Duration: 61_000_000_000, SessionID: "s1",
				Extra: []session.Attr{attrJSON("event.category", `["session"]`), {Key: "event.type", Value: "end"}},
			},
		},
		{
			"ECS, a login that failed and so ended", "",
			map[string]any{"event.category": "authentication", "event.type": "end", "event.outcome": "failure", "user.name": "alice"},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: "alice",
				Extra: []session.Attr{{Key: "event.category", Value: "authentication"}, {Key: "event.type", Value: "end"}},
			},
		},
		{
			"ECS, a start of a session, whose login has a record of its own", "",
			map[string]any{"event.category": "session", "event.type": "start", "user.name": "alice"},
			session.Event{
				Kind: session.KindSessionStart, Outcome: session.OutcomeSuccess, User: "alice",
				Extra: []session.Attr{{Key: "event.category", Value: "session"}, {Key: "event.type", Value: "start"}},
			},
		},
		{
			"ECS, a ticket for a service of Windows", "",
			map[string]any{"event.category": "authentication", "event.type": "start", "event.action": "kerberos-service-ticket-requested", "event.outcome": "success", "user.name": "alice"},
			session.Event{
				Kind: session.KindSessionUpdate, Outcome: session.OutcomeSuccess, User: "alice", SourceEvent: "kerberos-service-ticket-requested",
				Extra: []session.Attr{{Key: "event.category", Value: "authentication"}, {Key: "event.type", Value: "start"}},
			},
		},
		{
			"the audit draft", "user.login.failure",
			map[string]any{
				"audit.record.id": "0197c4c1-8f52-8b5e-9d1b-7c1f0f3a5d10", "audit.actor.id": "alice", "audit.actor.type": "user", "audit.action": "LOGIN", "audit.outcome": "failure",
				"audit.source.id": "203.0.113.42", "audit.source.type": "ipv4", "error.type": "invalid_credentials",
			},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, SourceEvent: "user.login.failure", User: "alice", UserID: "alice", ClientAddress: "203.0.113.42",
				ErrorType: "invalid_credentials", Extra: []session.Attr{
					{Key: "audit.action", Value: "LOGIN"}, {Key: "audit.actor.type", Value: "user"}, {Key: "audit.source.type", Value: "ipv4"},
				},
			},
		},
		{
			"the audit draft without an event name", "",
			map[string]any{"audit.actor.id": "bob", "audit.action": "LOGOUT"},
			session.Event{Kind: session.KindLogout, Outcome: session.OutcomeSuccess, SourceEvent: "LOGOUT", User: "bob", UserID: "bob"},
		},
		{
			"aspnetcore, a locked account", "",
			map[string]any{
				"aspnetcore.identity.sign_in.result": "locked_out", "aspnetcore.identity.sign_in.type": "password", "aspnetcore.identity.password_check_result": "failure",
				"aspnetcore.authentication.scheme": "Identity.Application", "enduser.id": "carol@example.com",
			},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: "carol@example.com", UserID: "carol@example.com", AuthMethod: "password", AuthType: "password",
				Plugin: "Identity.Application", ErrorType: session.ErrorAccountLocked, FailureReason: "locked_out",
				Extra: []session.Attr{{Key: "aspnetcore.identity.password_check_result", Value: "failure"}},
			},
		},
		{
			"aspnetcore, an unknown user", "",
			map[string]any{"aspnetcore.identity.sign_in.result": "failure", "aspnetcore.identity.password_check_result": "user_missing", "user.name": "x"},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: "x", ErrorType: session.ErrorUserUnknown, FailureReason: "failure",
				Extra: []session.Attr{{Key: "aspnetcore.identity.password_check_result", Value: "user_missing"}},
			},
		},
		{
			"aspnetcore, half way in", "",
			map[string]any{"aspnetcore.identity.sign_in.result": "requires_two_factor", "user.name": "x"},
			session.Event{
				Kind: session.KindLogin, User: "x", Extra: []session.Attr{{Key: "aspnetcore.identity.sign_in.result", Value: "requires_two_factor"}},
			},
		},
		{
			"enduser.* with a name of the deprecated kind", "",
			map[string]any{"event.name": "user.logged_in", "enduser.id": "alice", "enduser.role": "admin", "network.peer.address": "203.0.113.42", "network.peer.port": "51544"},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "user.logged_in", User: "alice", UserID: "alice", Roles: []string{"admin"},
				ClientAddress: "203.0.113.42", ClientPort: 51544,
			},
		},
		{
			"what is said twice, and not alike", "user.login.success",
			map[string]any{
				"user.name": "alice", "user.id": "7", "enduser.id": "al", "user.email": "a@b", "client.address": "10.0.0.1", "client.port": 1, "source.ip": "10.0.0.2",
				"source.port": 2, "network.peer.address": "10.0.0.1", "event.action": "login",
			},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "user.login.success", User: "alice", UserID: "7", ClientAddress: "10.0.0.1", ClientPort: 1,
				Extra: []session.Attr{
					{Key: "enduser.id", Value: "al"},
					{Key: "user.email", Value: "a@b"},
					{Key: "source.ip", Value: "10.0.0.2"},
					{Key: "source.port", Value: "2", Type: session.AttrInt},
					{Key: "event.action", Value: "login"},
				},
			},
		},
		{
			"user.* alone", "UserLoginFailed",
			map[string]any{"user.email": "a@b", "user.id": "7", "client.address": "203.0.113.42", "auth.method": "oidc", "error.message": "expired", "app": "x"},
			session.Event{
				Kind: session.KindLogin, Outcome: session.OutcomeFailure, SourceEvent: "UserLoginFailed", User: "a@b", UserID: "7", ClientAddress: "203.0.113.42",
				AuthMethod: "oidc", AuthType: "oidc", FailureReason: "expired", Extra: []session.Attr{{Key: "app", Value: "x"}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := decodeOne(t, foreignLogs(t, c.event, c.attrs))
			require.False(t, got.RecordID.IsZero())
			require.ElementsMatch(t, append(c.want.Extra, session.Attr{Key: "otel.scope.name", Value: "shop/login"}), got.Extra)
			c.want.RecordID, c.want.SessionKey, c.want.Extra = got.RecordID, got.SessionKey, got.Extra
			c.want.Time, c.want.System, c.want.Severity = foreignTime, "webshop", got.Severity
			got.Roles, got.Profiles, got.Settings, got.CertificateSubjects = nilIfEmpty(got.Roles), nil, nil, nil
			require.Equal(t, c.want, got)
			again := roundTrip(t, got)
			require.True(t, sessiontest.SameContent(&again[0], &got), "as one of ours it says the same")
		})
	}
}

func attrJSON(key, value string) session.Attr {
	return session.Attr{Key: key, Value: value, Type: session.AttrJSON}
}

func nilIfEmpty(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func TestNamesOfLogins(t *testing.T) {
	const success, failure, unknown = session.OutcomeSuccess, session.OutcomeFailure, session.OutcomeUnknown
	for name, want := range map[string]struct {
		kind    session.Kind
		outcome session.Outcome
	}{
		"user.login": {session.KindLogin, unknown}, "user.login.success": {session.KindLogin, success}, "user.login.failure": {session.KindLogin, failure},
		"user.logged_in": {session.KindLogin, success}, "user.sign_in": {session.KindLogin, unknown}, "user_signed_in": {session.KindLogin, success},
		"USER_LOGIN_FAILED": {session.KindLogin, failure}, "UserLoggedOut": {session.KindLogout, success}, "userLogout": {session.KindLogout, unknown},
		"enduser.logout": {session.KindLogout, unknown}, "auth.sign-out": {session.KindLogout, unknown}, "authentication.success": {session.KindLogin, success},
		"authentication.failed": {session.KindLogin, failure}, "user.login.attempt": {session.KindLogin, unknown}, "identity.logoff": {session.KindLogout, unknown},
		"AUTHENTICATION_FAILURE": {session.KindLogin, failure},

		"login": {}, "": {}, "session.start": {}, "session.end": {}, "user.created": {}, "user.login_page.viewed": {}, "user.loginname.changed": {}, "user.": {},
		"users.login": {}, "user.login.": {}, "user.login.x": {}, "authentication.started": {}, "user.failed": {}, strings.Repeat("user.login", 9): {},
	} {
		kind, outcome := parseForeignName(name)
		require.Equal(t, want.kind, kind, name)
		require.Equal(t, want.outcome, outcome, name)
	}
}

func TestOtherRecordsOfOthersArePassedOver(t *testing.T) {
	for name, attrs := range map[string]map[string]any{
		"a file":                  {"event.category": []any{"file"}, "event.type": []any{"start"}, "event.outcome": "success"},
		"a login without outcome": {"event.category": "authentication"},
		"a read":                  {"audit.action": "READ", "audit.actor.id": "alice", "audit.outcome": "success"},
		"a page":                  {"user.name": "alice", "url.path": "/login", "enduser.id": "alice"},
		"a password":              {"aspnetcore.identity.password_check_result": "success"},
		"a name of another kind":  {"event.name": "device.app.lifecycle"},
		"a number for a name":     {"otel.event.name": 7, "audit.action": 7},
	} {
		for n := range NewDecoder().All(foreignLogs(t, "", attrs)) {
			t.Errorf("%s is record %d", name, n)
		}
	}
}

// TestAnEventNameOfOursKeepsTheWordsOfOthers: in our vocabulary they are attributes like any other.
func TestAnEventNameOfOursKeepsTheWordsOfOthers(t *testing.T) {
	attrs := map[string]any{"user.name": "alice", "event.id": "e1", "enduser.id": "x", "source.ip": "10.0.0.1"}
	byName := decodeOne(t, foreignLogs(t, "sessionlog.login", attrs))
	attrs["otel.event.name"] = "sessionlog.login"
	byAttribute := decodeOne(t, foreignLogs(t, "", attrs))
	for _, e := range []session.Event{byName, byAttribute} {
		for _, key := range []string{"event.id", "enduser.id", "source.ip"} {
			require.Contains(t, keysOf(e.Extra), key)
		}
		require.Empty(t, e.ClientAddress)
	}
	byAttribute.RecordID = byName.RecordID // a hash of the attributes in their order, which is any order here
	require.True(t, sessiontest.SameContent(&byName, &byAttribute))
}

func keysOf(attrs []session.Attr) (keys []string) {
	for _, a := range attrs {
		keys = append(keys, a.Key)
	}
	return keys
}

// foreignBatch is what a webshop logs: a login in turn of each dialect.
func foreignBatch(n int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "webshop")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for i := range n {
		lr := records.AppendEmpty()
		lr.SetTimestamp(foreignTime + pcommon.Timestamp(i))
		m := lr.Attributes()
		m.PutStr("log.record.uid", "0197c4c1-8f52-8b5e-9d1b-7c1f0f3a5d10")
		m.PutStr("client.address", "203.0.113.42")
		switch i % 3 {
		case 0:
			lr.SetEventName("user.login.failure")
			m.PutStr("enduser.id", "alice")
			m.PutStr("error.type", "invalid_credentials")
		case 1:
			m.PutStr("event.category", "authentication")
			m.PutStr("event.type", "start")
			m.PutStr("event.outcome", "success")
			m.PutStr("event.action", "user-login")
			m.PutStr("user.name", "alice")
		default:
			m.PutStr("audit.action", "LOGOUT")
			m.PutStr("audit.actor.id", "alice")
			m.PutStr("audit.outcome", "success")
		}
	}
	return ld
}

func TestDialectsDoNotAllocate(t *testing.T) {
	ld, d := foreignBatch(999), NewDecoder()
	sumEvents(d, ld)
	require.Less(t, testing.AllocsPerRun(10, func() { sumEvents(d, ld) })/999, 0.01, "allocations per record")
}

func BenchmarkDecodeForeign(b *testing.B) {
	ld, d := foreignBatch(benchRecords), NewDecoder()
	b.ReportAllocs()
	for b.Loop() {
		sumEvents(d, ld)
	}
	perRecord(b)
}
