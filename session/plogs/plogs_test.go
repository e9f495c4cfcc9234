package plogs

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// roundTrip goes the whole way that a record goes between two collectors: encoded, marshalled as OTLP, and back.
func roundTrip(t *testing.T, events ...session.Event) []session.Event {
	t.Helper()
	wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(NewEncoder("test").Encode(events))
	require.NoError(t, err)
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
	require.NoError(t, err)
	var got []session.Event
	for n, e := range NewDecoder().All(ld) {
		require.Equal(t, len(got), n)
		got = append(got, session.Event{})
		e.CopyTo(&got[n])
	}
	return got
}

func TestEveryFieldComesBack(t *testing.T) {
	full := sessiontest.Full()
	got := roundTrip(t, *full)
	require.Len(t, got, 1)
	g, w := reflect.ValueOf(got[0]), reflect.ValueOf(*full)
	for i := range w.NumField() {
		name := w.Type().Field(i).Name
		require.Equal(t, w.Field(i).Interface(), g.Field(i).Interface(), name)
	}
}

func TestMinimalEventComesBack(t *testing.T) {
	require.Equal(t, []session.Event{*sessiontest.Minimal()}, roundTrip(t, *sessiontest.Minimal()))
}

func TestTypicalEventsComeBack(t *testing.T) {
	want := make([]session.Event, 100)
	for i := range want {
		sessiontest.Typical(&want[i], i)
	}
	require.Equal(t, want, roundTrip(t, want...))
}

// TestFieldTableIsTheMapping fills one field at a time and finds it under the attribute that the table names.
func TestFieldTableIsTheMapping(t *testing.T) {
	full := reflect.ValueOf(*sessiontest.Full())
	for _, f := range session.Fields {
		var e session.Event
		e.Kind = session.KindLogin
		reflect.ValueOf(&e).Elem().FieldByName(f.Name).Set(full.FieldByName(f.Name))
		ld := NewEncoder("test").Encode([]session.Event{e})
		rl := ld.ResourceLogs().At(0)
		m := rl.ScopeLogs().At(0).LogRecords().At(0).Attributes()
		if f.Level == session.LevelResource {
			m = rl.Resource().Attributes()
		}
		key := strings.Replace(f.Attr, "<column>", "mtu", 1)
		_, found := m.Get(key)
		require.Equal(t, f.Level != session.LevelRecord, found, "%s under %s", f.Name, key)
	}
}

func TestFieldTableIsComplete(t *testing.T) {
	typ := reflect.TypeFor[session.Event]()
	var names []string
	columns := map[string]bool{}
	for _, f := range session.Fields {
		names = append(names, f.Name)
		require.False(t, columns[f.Column], "column %s twice", f.Column)
		columns[f.Column] = true
	}
	var want []string
	for i := range typ.NumField() {
		if name := typ.Field(i).Name; name != "UserEmpty" {
			want = append(want, name)
		}
	}
	require.ElementsMatch(t, want, names)
}

func TestHostileTextsAreNotLost(t *testing.T) {
	for _, name := range []string{
		"Robert'); DROP TABLE x;--", "nul\x00inside", "\xff\xfe not utf-8", "\x1b]0;owned\x07", "\u202egnp.exe", strings.Repeat("x", 10<<20), " ", "\n",
	} {
		e := *sessiontest.Minimal()
		e.User = name
		e.Roles = []string{name, "plain"}
		e.Settings = []session.Setting{{Name: name, Value: name}, {Name: "a", Value: ""}}
		got := roundTrip(t, e)
		require.True(t, len(got) == 1 && sessiontest.SameContent(&got[0], &e), "%.40q", name)
	}
}

func TestRepeatedSettingNames(t *testing.T) {
	e := *sessiontest.Minimal()
	e.Settings = []session.Setting{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}
	require.Equal(t, e.Settings, roundTrip(t, e)[0].Settings)
}

func TestEmptyUserIsNotNoUser(t *testing.T) {
	e := *sessiontest.Minimal()
	require.False(t, roundTrip(t, e)[0].UserEmpty)
	e.UserEmpty = true
	require.True(t, roundTrip(t, e)[0].UserEmpty)
}

func TestBody(t *testing.T) {
	for _, c := range []struct {
		event session.Event
		want  string
	}{
		{
			session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, User: "alice", ClientAddress: "10.0.0.7", ClientPort: 51544, Interface: "TCP", AuthMethod: "password"},
			"login succeeded: user=alice client=10.0.0.7 port=51544 interface=TCP method=password",
		},
		{session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure, User: "a b", ErrorType: "invalid_credentials"}, `login failed: user="a b" error=invalid_credentials`},
		{session.Event{Kind: session.KindLogin, User: "\x1b[2J\u202e"}, `login: user="\x1b[2J\u202e"`},
		{session.Event{Kind: session.KindLogin, UserEmpty: true}, `login: user=""`},
		{session.Event{Kind: session.KindLogout, User: "x\nlogin succeeded: user=root", Duration: 1_500_000_000}, `logout: user="x\nlogin succeeded: user=root" duration=1.5s`},
		{session.Event{Kind: session.KindSessionStart, User: strings.Repeat("y", 300)}, "session started: user=" + strings.Repeat("y", 256) + "…"},
		{session.Event{Kind: session.KindSessionUpdate, User: `back\slash`}, `session updated: user="back\\slash"`},
		{session.Event{Kind: session.KindLogin, Message: "as the sender put it"}, "as the sender put it"},
	} {
		ld := NewEncoder("test").Encode([]session.Event{c.event})
		require.Equal(t, c.want, ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str())
	}
}

func TestResourcesAreGrouped(t *testing.T) {
	events := make([]session.Event, 6)
	for i := range events {
		sessiontest.Typical(&events[i], i)
		events[i].Host = []string{"ch-0", "ch-1"}[i%2]
	}
	ld := NewEncoder("1.2.3").Encode(events)
	require.Equal(t, 2, ld.ResourceLogs().Len())
	require.Equal(t, 6, ld.LogRecordCount())
	rl := ld.ResourceLogs().At(1)
	require.Equal(t, SchemaURL, rl.SchemaUrl())
	require.Equal(t, map[string]any{"service.name": "clickhouse", "service.instance.id": "warehouse", "host.name": "ch-1"}, rl.Resource().Attributes().AsRaw())
	require.Equal(t, ScopeName, rl.ScopeLogs().At(0).Scope().Name())
	require.Equal(t, "1.2.3", rl.ScopeLogs().At(0).Scope().Version())
}

func TestSeverity(t *testing.T) {
	for _, c := range []struct {
		event session.Event
		want  plog.SeverityNumber
	}{
		{session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess}, plog.SeverityNumberInfo},
		{session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure}, plog.SeverityNumberWarn},
		{session.Event{Kind: session.KindLogin, Outcome: session.OutcomeFailure, ErrorType: session.ErrorProviderUnavailable}, plog.SeverityNumberError},
		{session.Event{Kind: session.KindLogout, Outcome: session.OutcomeSuccess, Severity: 5}, plog.SeverityNumberDebug},
	} {
		ld := NewEncoder("test").Encode([]session.Event{c.event})
		require.Equal(t, c.want, ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SeverityNumber())
	}
}

// senderLogs is a record as an application's SDK would send it.
func senderLogs(change func(plog.ScopeLogs, plog.LogRecord)) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "webshop")
	rl.Resource().Attributes().PutStr("k8s.pod.name", "shop-7")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().SetName("shop/login")
	lr := sl.LogRecords().AppendEmpty()
	lr.SetEventName("sessionlog.login")
	lr.SetObservedTimestamp(7e9)
	lr.Attributes().PutStr("user.name", "alice")
	change(sl, lr)
	return ld
}

func decodeOne(t *testing.T, ld plog.Logs) session.Event {
	t.Helper()
	var got session.Event
	n := 0
	for _, e := range NewDecoder().All(ld) {
		e.CopyTo(&got)
		n++
	}
	require.Equal(t, 1, n)
	return got
}

func TestForeignRecords(t *testing.T) {
	base := decodeOne(t, senderLogs(func(plog.ScopeLogs, plog.LogRecord) {}))
	require.Equal(t, int64(7e9), base.Time, "no timestamp: the observed one")
	require.Equal(t, "webshop", base.System)
	require.False(t, base.RecordID.IsZero(), "an id of its content")
	require.Equal(t, []session.Attr{{Key: "resource.k8s.pod.name", Value: "shop-7"}, {Key: "otel.scope.name", Value: "shop/login"}}, base.Extra)
	again := decodeOne(t, senderLogs(func(plog.ScopeLogs, plog.LogRecord) {}))
	require.Equal(t, base, again, "the same record has the same id")

	for name, c := range map[string]struct {
		change func(plog.ScopeLogs, plog.LogRecord)
		check  func(t *testing.T, e session.Event)
	}{
		"the body is kept": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Body().SetStr("hello") },
			func(t *testing.T, e session.Event) { require.Equal(t, "hello", e.Message) },
		},
		"an id that is no uuid": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) {
				lr.Attributes().PutStr("log.record.uid", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
			},
			func(t *testing.T, e session.Event) {
				require.NotEqual(t, base.RecordID, e.RecordID)
				require.Contains(t, e.Extra, session.Attr{Key: "sessionlog.sender.record.uid", Value: "01ARZ3NDEKTSV4RRFFQ69G5FAV"})
			},
		},
		"a port as text": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("client.port", "66790") },
			func(t *testing.T, e session.Event) { require.Equal(t, int32(66790), e.ClientPort) },
		},
		"a port that is none": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("client.port", "https") },
			func(t *testing.T, e session.Event) {
				require.Contains(t, e.Extra, session.Attr{Key: "client.port", Value: "https"})
			},
		},
		"one role as text": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("user.roles", "admin") },
			func(t *testing.T, e session.Event) { require.Equal(t, []string{"admin"}, e.Roles) },
		},
		"a database counts more than the service": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) {
				lr.Attributes().PutStr("db.system.name", "postgresql")
				lr.Attributes().PutStr("service.name", "pg-proxy")
			},
			func(t *testing.T, e session.Event) { require.Equal(t, "postgresql", e.System) },
		},
		"the event name as an attribute": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) {
				lr.SetEventName("")
				lr.Attributes().PutStr("otel.event.name", "sessionlog.logout")
			},
			func(t *testing.T, e session.Event) { require.Equal(t, session.KindLogout, e.Kind) },
		},
		"a session of the application": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("session.id", "s-1") },
			func(t *testing.T, e session.Event) { require.False(t, e.SessionKey.IsZero()) },
		},
		"settings that are neither map nor pairs": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.Attributes().PutStr("sessionlog.settings", "x=1") },
			func(t *testing.T, e session.Event) {
				require.Contains(t, e.Extra, session.Attr{Key: "sessionlog.settings", Value: "x=1"})
			},
		},
		"a severity text": {
			func(_ plog.ScopeLogs, lr plog.LogRecord) { lr.SetSeverityText("FATAL") },
			func(t *testing.T, e session.Event) {
				require.Contains(t, e.Extra, session.Attr{Key: "sessionlog.severity.text", Value: "FATAL"})
			},
		},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, decodeOne(t, senderLogs(c.change))) })
	}
}

func TestOtherRecordsArePassedOver(t *testing.T) {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, name := range []string{"", "session.start", "sessionlog.login", "sessionlog.", "sessionlog.unheard", "login", "sessionlog.logout"} {
		records.AppendEmpty().SetEventName(name)
	}
	var at []int
	for n := range NewDecoder().All(ld) {
		at = append(at, n)
	}
	require.Equal(t, []int{2, 6}, at)
	for range NewDecoder().All(ld) {
		break // stopping early is allowed
	}
}

func TestTextThatIsNotUTF8TravelsAsBytes(t *testing.T) {
	e := *sessiontest.Minimal()
	e.User = "\xff"
	lr := NewEncoder("test").Encode([]session.Event{e}).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	v, _ := lr.Attributes().Get("user.name")
	require.Equal(t, pcommon.ValueTypeBytes, v.Type())
	require.Equal(t, `login: user="\xff"`, lr.Body().Str())
}
