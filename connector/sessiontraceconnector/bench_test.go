package sessiontraceconnector

import (
	"context"
	"fmt"
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

// forward is what a plain forward connector does.
type forward struct{ consumer.Traces }

// wire is the rest of a collector's pipeline: spans come in as OTLP and go out as OTLP.
func wire(b *testing.B, middle func(next consumer.Traces) consumer.Traces) {
	const batches = 64
	var in [batches][]byte
	for i := range in {
		var err error
		in[i], err = (&ptrace.ProtoMarshaler{}).MarshalTraces(strangers(i))
		require.NoError(b, err)
	}
	sent := 0
	last, err := consumer.NewTraces(func(_ context.Context, td ptrace.Traces) error {
		out, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
		sent += len(out)
		return err
	})
	require.NoError(b, err)
	first := middle(last)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(in[i%batches])
		require.NoError(b, err)
		require.NoError(b, first.ConsumeTraces(context.Background(), td))
	}
	b.ReportMetric(float64(b.N)*perBatch/b.Elapsed().Seconds(), "spans/s")
}

// started is the connector of traces with a thousand sessions in its memory.
func started(b *testing.B, next consumer.Traces) consumer.Traces {
	cfg := defaults()
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

// BenchmarkLimit is a pipeline with a plain forward connector.
func BenchmarkLimit(b *testing.B) {
	wire(b, func(next consumer.Traces) consumer.Traces { return forward{next} })
}

// BenchmarkSpans is the same pipeline with ours.
func BenchmarkSpans(b *testing.B) {
	wire(b, func(next consumer.Traces) consumer.Traces { return started(b, next) })
}

// BenchmarkRecords is a login record, as a new session's, between OTLP and OTLP as the spans are.
func BenchmarkRecords(b *testing.B) {
	records(b, func(next consumer.Logs) consumer.Logs {
		f, set := NewFactory(), connectortest.NewNopSettings(Type)
		c, err := f.CreateLogsToLogs(context.Background(), set, defaults(), next)
		require.NoError(b, err)
		require.NoError(b, c.Start(context.Background(), componenttest.NewNopHost()))
		b.Cleanup(func() { require.NoError(b, c.Shutdown(context.Background())) })
		return c
	})
}

// BenchmarkRecordsLimit is the same pipeline with a plain forward connector.
func BenchmarkRecordsLimit(b *testing.B) {
	records(b, func(next consumer.Logs) consumer.Logs { return next })
}

func records(b *testing.B, middle func(next consumer.Logs) consumer.Logs) {
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
	first := middle(last)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(in[i%batches])
		require.NoError(b, err)
		require.NoError(b, first.ConsumeLogs(context.Background(), ld))
	}
	b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "records/s")
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
