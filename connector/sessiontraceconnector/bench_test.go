package sessiontraceconnector

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// perBatch is how many spans an SDK's batch has by default.
const perBatch = 512

// strangers are spans of an ordinary web application, with every clue there is and nobody's: the connector has to look at
// all of it and to remember it, and finds nothing.
func strangers(batch int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	for k, v := range map[string]string{"service.name": "shop", "service.version": "1.2.3", "host.name": "web-1", "telemetry.sdk.language": "go"} {
		rs.Resource().Attributes().PutStr(k, v)
	}
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for i := range perBatch {
		n := batch*perBatch + i
		s := spans.AppendEmpty()
		s.SetName("GET /orders/{id}")
		s.SetKind(ptrace.SpanKindServer)
		s.SetTraceID([16]byte{1, byte(n), byte(n >> 8), byte(n >> 16)})
		s.SetSpanID([8]byte{1, byte(n), byte(n >> 8), byte(n >> 16)})
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Millisecond)))
		m := s.Attributes()
		m.EnsureCapacity(12)
		m.PutStr("http.request.method", "GET")
		m.PutStr("http.route", "/orders/{id}")
		m.PutStr("url.path", fmt.Sprintf("/orders/%d", n))
		m.PutStr("url.scheme", "https")
		m.PutInt("http.response.status_code", 200)
		m.PutStr("server.address", "shop.example.org")
		m.PutInt("server.port", 443)
		m.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
		m.PutStr("client.address", fmt.Sprintf("192.0.2.%d", n%250))
		m.PutInt("client.port", int64(1024+n%60000))
		m.PutStr("session.id", fmt.Sprintf("browser-%d", n/20))
		m.PutStr("user.name", fmt.Sprintf("customer-%d", n/20))
	}
	return td
}

// beside runs two pipelines in turn, once each an iteration: bare, which is what a plain forward connector does, and ours. It
// reports our rate and what part of the bare rate that is, both by the processor's time and of the medians, since other
// work of the machine is not ours.
func beside(b *testing.B, size int, unit string, bare, ours func(i int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var took [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		for k, run := range []func(int){bare, ours} {
			start := worked()
			run(i)
			took[k] = append(took[k], worked()-start)
		}
	}
	median := func(d []time.Duration) float64 {
		slices.Sort(d)
		return d[len(d)/2].Seconds()
	}
	b.ReportMetric(float64(size)/median(took[1]), unit+"/cpu-s")
	b.ReportMetric(median(took[0])/median(took[1]), "of-forward")
}

// started is the connector of traces with a thousand sessions in its memory.
func started(b *testing.B, next consumer.Traces) consumer.Traces {
	cfg := defaultConfig()
	f, set := NewFactory(), connectortest.NewNopSettings(Type)
	traces, err := f.CreateTracesToTraces(context.Background(), set, cfg, next)
	require.NoError(b, err)
	logs, err := f.CreateLogsToLogs(context.Background(), set, cfg, consumertest.NewNop())
	require.NoError(b, err)
	for _, c := range []component.Component{logs, traces} {
		require.NoError(b, c.Start(context.Background(), componenttest.NewNopHost()))
		b.Cleanup(func() { require.NoError(b, c.Shutdown(context.Background())) })
	}
	events := make([]session.Event, 1000)
	for n := range events {
		events[n] = login(n)
	}
	require.NoError(b, logs.ConsumeLogs(context.Background(), plogs.NewEncoder("test").Encode(events)))
	return traces
}

// BenchmarkSpans is spans that match nothing in a pipeline of OTLP to OTLP, beside the same pipeline with a forward connector.
func BenchmarkSpans(b *testing.B) {
	const batches = 256 // more spans than are remembered, so that they are as new each time as in real life
	var in [batches][]byte
	for i := range in {
		var err error
		in[i], err = (&ptrace.ProtoMarshaler{}).MarshalTraces(strangers(i))
		require.NoError(b, err)
	}
	last, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
		_, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		return err
	})
	require.NoError(b, err)
	through := func(next consumer.Traces) func(int) {
		return func(i int) {
			td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(in[i%batches])
			require.NoError(b, err)
			require.NoError(b, next.ConsumeTraces(context.Background(), td))
		}
	}
	beside(b, perBatch, "spans", through(last), through(started(b, last)))
}

// BenchmarkRecords is logins, each of a new session, in a pipeline of OTLP to OTLP, beside the same with a forward connector.
func BenchmarkRecords(b *testing.B) {
	const batches, size = 200, 1000
	var in [batches][]byte
	for i := range in {
		events := make([]session.Event, size)
		for n := range events {
			events[n] = login(i*size + n)
		}
		var err error
		in[i], err = (&plog.ProtoMarshaler{}).MarshalLogs(plogs.NewEncoder("test").Encode(events))
		require.NoError(b, err)
	}
	last, err := consumer.NewLogs(func(_ context.Context, ld plog.Logs) error {
		_, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
		return err
	})
	require.NoError(b, err)
	ours, err := NewFactory().CreateLogsToLogs(context.Background(), connectortest.NewNopSettings(Type), defaultConfig(), last)
	require.NoError(b, err)
	require.NoError(b, ours.Start(context.Background(), componenttest.NewNopHost()))
	b.Cleanup(func() { require.NoError(b, ours.Shutdown(context.Background())) })
	through := func(next consumer.Logs) func(int) {
		return func(i int) {
			ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(in[i%batches])
			require.NoError(b, err)
			require.NoError(b, next.ConsumeLogs(context.Background(), ld))
		}
	}
	beside(b, size, "records", through(last), through(ours))
}

// BenchmarkSpansAlone is ours without a pipeline: what a span that matches nothing costs.
func BenchmarkSpansAlone(b *testing.B) {
	c := started(b, consumertest.NewNop())
	const batches = 64
	var in [batches]ptrace.Traces
	for i := range in {
		in[i] = strangers(i)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		require.NoError(b, c.ConsumeTraces(context.Background(), in[i%batches]))
	}
	b.ReportMetric(float64(b.N)*perBatch/b.Elapsed().Seconds(), "spans/s")
}
