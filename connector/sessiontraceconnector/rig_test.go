package sessiontraceconnector

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is the three connectors of one id, each with a sink behind it, started as the collector starts them.
type rig struct {
	traces  connector.Traces
	logs    connector.Logs
	metrics connector.Logs
	spans   consumertest.TracesSink
	records consumertest.LogsSink
	points  consumertest.MetricsSink
	started []component.Component
}

// newRig makes all three; behind, where it is given, takes the records in place of the sink.
func newRig(t testing.TB, cfg *Config, behind consumer.Logs) *rig {
	t.Helper()
	r := &rig{}
	if behind == nil {
		behind = &r.records
	}
	f, set := NewFactory(), connectortest.NewNopSettings(Type)
	ctx := context.Background()
	var err error
	r.traces, err = f.CreateTracesToTraces(ctx, set, cfg, &r.spans)
	require.NoError(t, err)
	r.logs, err = f.CreateLogsToLogs(ctx, set, cfg, behind)
	require.NoError(t, err)
	r.metrics, err = f.CreateLogsToMetrics(ctx, set, cfg, &r.points)
	require.NoError(t, err)
	for _, c := range []component.Component{r.metrics, r.logs, r.traces} {
		require.NoError(t, c.Start(ctx, componenttest.NewNopHost()))
		r.started = append(r.started, c)
	}
	t.Cleanup(func() { r.stop(t) })
	return r
}

func (r *rig) stop(t testing.TB) {
	for _, c := range r.started {
		require.NoError(t, c.Shutdown(context.Background()))
	}
	r.started = nil
}

// consume hands records to both logs connectors, as a pipeline that exports to the id does.
func (r *rig) consume(t testing.TB, events ...session.Event) {
	t.Helper()
	ld := plogs.NewEncoder("test").Encode(events)
	again := plog.NewLogs()
	ld.CopyTo(again)
	require.NoError(t, r.logs.ConsumeLogs(context.Background(), ld))
	require.NoError(t, r.metrics.ConsumeLogs(context.Background(), again))
}

// login is the n-th login, each of a client, a user and a session of its own.
func login(n int) session.Event {
	var e session.Event
	e.Kind, e.Outcome, e.Time = session.KindLogin, session.OutcomeSuccess, time.Now().UnixNano()
	e.System, e.Instance, e.Host = session.SystemClickHouse, "warehouse", "ch-0"
	e.User, e.AuthMethod = fmt.Sprintf("user-%d", n), session.AuthPassword
	e.ClientAddress, e.ClientPort, e.SessionID = "10.0.0.7", int32(20000+n), fmt.Sprintf("session-%d", n)
	var h session.Hasher
	e.RecordID = h.Start("test", e.System, e.Instance).Int(int64(n)).RecordID(e.Time)
	e.SessionKey = h.Start("session", e.System, e.Instance).Str(e.SessionID).Key()
	return e
}

// logout ends the session that a login began.
func logout(e session.Event, after time.Duration) session.Event {
	var h session.Hasher
	e.Kind, e.Time, e.Duration = session.KindLogout, e.Time+int64(after), int64(after)
	e.RecordID = h.Start("test", e.System, e.Instance).Bytes(e.SessionKey[:]).RecordID(e.Time)
	return e
}

// oneSpan is a span that lasts now, with what fill adds.
func oneSpan(trace byte, kind ptrace.SpanKind, fill func(pcommon.Map)) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID([16]byte{trace})
	s.SetSpanID([8]byte{trace, 1})
	s.SetKind(kind)
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(-time.Second)))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now().Add(time.Second)))
	fill(s.Attributes())
	return td
}

// through passes spans and gives the first as it came out.
func (r *rig) through(t testing.TB, td ptrace.Traces) ptrace.Span {
	t.Helper()
	require.NoError(t, r.traces.ConsumeTraces(context.Background(), td))
	all := r.spans.AllTraces()
	return all[len(all)-1].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
}

// out is every event that has come out, in order.
func (r *rig) out() (events []session.Event) {
	d := plogs.NewDecoder()
	for _, ld := range r.records.AllLogs() {
		for _, e := range d.All(ld) {
			var dst session.Event
			e.CopyTo(&dst)
			events = append(events, dst)
		}
	}
	return events
}

// arrives waits until n events have come out.
func (r *rig) arrives(t testing.TB, n int) []session.Event {
	t.Helper()
	require.Eventually(t, func() bool { return r.records.LogRecordCount() >= n }, 30*time.Second, 5*time.Millisecond)
	return r.out()
}
