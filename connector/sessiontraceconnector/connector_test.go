package sessiontraceconnector

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/session"
)

// TestLifecycle: each connector may be shut down without having been started, twice, and started again.
func TestLifecycle(t *testing.T) {
	ctx, f, set, cfg := context.Background(), NewFactory(), connectortest.NewNopSettings(Type), defaultConfig()
	traces, err := f.CreateTracesToTraces(ctx, set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	logs, err := f.CreateLogsToLogs(ctx, set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	metrics, err := f.CreateLogsToMetrics(ctx, set, cfg, consumertest.NewNop())
	require.NoError(t, err)
	for _, c := range []component.Component{traces, logs, metrics} {
		require.NoError(t, c.Shutdown(ctx))
		for range 2 {
			require.NoError(t, c.Start(ctx, componenttest.NewNopHost()))
			require.NoError(t, c.Shutdown(ctx))
			require.NoError(t, c.Shutdown(ctx))
		}
	}
	_, err = f.CreateTracesToLogs(ctx, set, cfg, consumertest.NewNop())
	require.Error(t, err, "logins and spans have pipelines of their own")
}

// A span is given its login under whichever names its kind has for the client.
func TestASpanBearsItsLogin(t *testing.T) {
	address := func(a, p string) func(pcommon.Map) {
		return func(m pcommon.Map) { m.PutStr(a, "10.0.0.7"); m.PutInt(p, 20001) }
	}
	for _, c := range []struct {
		name string
		kind ptrace.SpanKind
		fill func(pcommon.Map)
		by   string
	}{
		{"session id", ptrace.SpanKindInternal, func(m pcommon.Map) { m.PutStr("session.id", "session-1") }, "session_id"},
		{"server, client", ptrace.SpanKindServer, address("client.address", "client.port"), "client_address_port"},
		{"server, peer", ptrace.SpanKindServer, address("network.peer.address", "network.peer.port"), "client_address_port"},
		{"client, local", ptrace.SpanKindClient, address("network.local.address", "network.local.port"), "client_address_port"},
		{"client, peer", ptrace.SpanKindClient, address("network.peer.address", "network.peer.port"), ""},
		{"server, local", ptrace.SpanKindServer, address("network.local.address", "network.local.port"), ""},
		{"a proxy before the socket", ptrace.SpanKindServer, func(m pcommon.Map) {
			m.PutStr("client.address", "203.0.113.9")
			address("network.peer.address", "network.peer.port")(m)
		}, ""},
		{"port as text, mapped address", ptrace.SpanKindServer, func(m pcommon.Map) {
			m.PutStr("client.address", "::ffff:10.0.0.7")
			m.PutStr("client.port", "20001")
		}, "client_address_port"},
		{"user and address", ptrace.SpanKindServer, func(m pcommon.Map) {
			m.PutStr("user.name", "user-1")
			m.PutStr("client.address", "10.0.0.7")
		}, "user_address"},
		{"nothing", ptrace.SpanKindServer, func(pcommon.Map) {}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, defaultConfig(), nil)
			e := login(1)
			r.consume(t, e)
			got := r.through(t, oneSpan(1, c.kind, c.fill)).Attributes().AsRaw()
			if c.by == "" {
				require.NotContains(t, got, session.AttrLoginUID)
				require.NotContains(t, got, session.AttrCorrelation)
				return
			}
			require.Equal(t, e.RecordID.String(), got[session.AttrLoginUID])
			require.Equal(t, "session-1", got["session.id"])
			require.Equal(t, "user-1", got["user.name"])
			require.Equal(t, c.by, got[session.AttrCorrelation])
		})
	}
}

// What a span says itself stays, and a second connector in its way changes nothing.
func TestWhatASpanSaysStays(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	r.consume(t, login(1))
	says := map[string]any{"session.id": "session-1", "user.name": "somebody else"}
	got := r.through(t, oneSpan(1, ptrace.SpanKindServer, func(m pcommon.Map) { require.NoError(t, m.FromRaw(says)) }))
	require.Equal(t, "somebody else", got.Attributes().AsRaw()["user.name"])
	require.Contains(t, got.Attributes().AsRaw(), session.AttrLoginUID)

	says[session.AttrLoginUID] = "another's finding"
	got = r.through(t, oneSpan(1, ptrace.SpanKindServer, func(m pcommon.Map) { require.NoError(t, m.FromRaw(says)) }))
	require.Equal(t, says, got.Attributes().AsRaw())
}

// Neither does another type of value, nor an empty one, nor a hash where a name was taken away.
func TestOddValuesStay(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	r.consume(t, login(1))
	for _, says := range []map[string]any{
		{"session.id": int64(7), "user.name": ""},
		{"session.id": []any{"session-1"}, "user.hash": "c0ffee"},
		{"session.id": true, "user.name": map[string]any{"a": "b"}, session.AttrCorrelation: "something else"},
	} {
		got := r.through(t, oneSpan(1, ptrace.SpanKindServer, func(m pcommon.Map) {
			require.NoError(t, m.FromRaw(says))
			m.PutStr("client.address", "10.0.0.7")
			m.PutInt("client.port", 20001)
		})).Attributes().AsRaw()
		require.Contains(t, got, session.AttrLoginUID)
		for key, v := range says {
			require.Equal(t, v, got[key])
		}
		if _, named := says["user.name"]; !named {
			require.NotContains(t, got, "user.name")
		}
	}
}

// A redacted user stays redacted.
func TestARedactedUser(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	e := login(1)
	e.User, e.UserHash = "", "c0ffee"
	r.consume(t, e)
	got := r.through(t, oneSpan(1, ptrace.SpanKindInternal, bySession("session-1"))).Attributes().AsRaw()
	require.Equal(t, "c0ffee", got["user.hash"])
	require.NotContains(t, got, "user.name")
}

func bySession(id string) func(pcommon.Map) {
	return func(m pcommon.Map) { m.PutStr("session.id", id) }
}

// A record that comes after its span bears the trace; one that came before gets an update, once.
func TestRecordsBearTheirTrace(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	r.through(t, oneSpan(1, ptrace.SpanKindServer, bySession("session-1")))
	other := plog.NewLogs()
	other.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("not an event")
	require.NoError(t, r.logs.ConsumeLogs(context.Background(), other))
	r.consume(t, login(1), login(2))
	events := r.arrives(t, 3)
	require.Equal(t, [16]byte{1}, events[0].TraceID)
	require.Equal(t, [8]byte{1, 1}, events[0].SpanID)
	require.Equal(t, "session_id", events[0].Correlation)
	require.Zero(t, events[1].TraceID)
	require.Empty(t, events[1].Correlation)

	r.through(t, oneSpan(2, ptrace.SpanKindServer, bySession("session-2")))
	r.through(t, oneSpan(2, ptrace.SpanKindServer, bySession("session-2")))
	update := r.arrives(t, 4)[2]
	require.Equal(t, session.KindSessionUpdate, update.Kind)
	require.Equal(t, [16]byte{2}, update.TraceID)
	require.Equal(t, events[1].SessionKey, update.SessionKey)
	require.Equal(t, []session.Attr{{Key: session.AttrLoginUID, Value: events[1].RecordID.String()}}, update.Extra)
	r.stop(t)
	require.Equal(t, 4, r.records.LogRecordCount())
}

// Records of several resources and scopes, with others between them, each get their own trace.
func TestMixedRecords(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	ld := plog.NewLogs()
	for n := range 12 {
		r.through(t, oneSpan(byte(n+1), ptrace.SpanKindServer, bySession(string(rune('a'+n)))))
		if n%4 == 0 {
			ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty() // an empty scope
		}
		rl := ld.ResourceLogs().At(ld.ResourceLogs().Len() - 1)
		if n%2 == 0 {
			rl.ScopeLogs().AppendEmpty()
		}
		records := rl.ScopeLogs().At(rl.ScopeLogs().Len() - 1).LogRecords()
		records.AppendEmpty().Body().SetStr("not an event")
		lr := records.AppendEmpty()
		lr.SetEventName("sessionlog.login")
		lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		lr.Attributes().PutStr("sessionlog.outcome", "success")
		lr.Attributes().PutStr("session.id", string(rune('a'+n)))
	}
	require.NoError(t, r.logs.ConsumeLogs(context.Background(), ld))
	for n, e := range r.out() {
		require.Equal(t, [16]byte{byte(n + 1)}, e.TraceID)
	}
	require.Len(t, r.out(), 12)
	require.Equal(t, 24, r.records.LogRecordCount())
}

// Two ids are two memories.
func TestTwoIDsShareNothing(t *testing.T) {
	a, b := newRig(t, defaultConfig(), nil), newRig(t, defaultConfig(), nil)
	a.consume(t, login(1))
	got := b.through(t, oneSpan(1, ptrace.SpanKindServer, bySession("session-1"))).Attributes().AsRaw()
	require.NotContains(t, got, session.AttrLoginUID)
}

// A name that is no UTF-8 goes on a span as bytes, as OTLP has it: as a string it would have the whole batch refused.
func TestANameThatIsNotUTF8(t *testing.T) {
	r := newRig(t, defaultConfig(), nil)
	e := login(1)
	e.User = "\xff"
	r.consume(t, e)
	got := r.through(t, oneSpan(1, ptrace.SpanKindInternal, bySession("session-1"))).Attributes().AsRaw()
	require.Equal(t, []byte("\xff"), got["user.name"])
}
