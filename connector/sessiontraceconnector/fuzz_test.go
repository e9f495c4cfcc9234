package sessiontraceconnector

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// FuzzAll takes any OTLP for spans and for records, in this order, and again the other way round: nothing panics, nothing
// is lost, and what stood on a span or record before still does.
func FuzzAll(f *testing.F) {
	spans := &ptrace.ProtoMarshaler{}
	records := &plog.ProtoMarshaler{}
	for _, fill := range []func(pcommon.Map){
		bySession("session-1"),
		func(m pcommon.Map) { m.PutStr("client.address", "10.0.0.7"); m.PutInt("client.port", 20001) },
		func(m pcommon.Map) { m.PutStr("client.address", "::ffff:10.0.0.7"); m.PutStr("client.port", "20001") },
		func(m pcommon.Map) {
			m.PutEmptySlice("session.id")
			m.PutBool("client.port", true)
			m.PutEmptyMap("user.name")
		},
	} {
		td, err := spans.MarshalTraces(oneSpan(1, ptrace.SpanKindServer, fill))
		require.NoError(f, err)
		e := login(1)
		ld, err := records.MarshalLogs(plogs.NewEncoder("test").Encode([]session.Event{e, logout(e, 1)}))
		require.NoError(f, err)
		f.Add(td, ld)
	}
	f.Fuzz(func(t *testing.T, spanBytes, recordBytes []byte) {
		td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(spanBytes)
		if err != nil {
			return
		}
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(recordBytes)
		if err != nil {
			return
		}
		wantSpans, wantRecords := td.SpanCount(), ld.LogRecordCount()
		r := newRig(t, defaultConfig(), nil)
		for range 2 {
			before, after := ptrace.NewTraces(), plog.NewLogs()
			td.CopyTo(before)
			ld.CopyTo(after)
			require.NoError(t, r.traces.ConsumeTraces(context.Background(), before))
			require.NoError(t, r.logs.ConsumeLogs(context.Background(), after))
			require.NoError(t, r.metrics.ConsumeLogs(context.Background(), ld))
			kept(t, td, before)
		}
		r.stop(t)
		require.Equal(t, 2*wantSpans, r.spans.SpanCount())
		require.GreaterOrEqual(t, r.records.LogRecordCount(), 2*wantRecords)
	})
}

// kept tells that every attribute of a span is what it was.
func kept(t *testing.T, was, is ptrace.Traces) {
	t.Helper()
	for i, rs := range was.ResourceSpans().All() {
		for j, ss := range rs.ScopeSpans().All() {
			for k, s := range ss.Spans().All() {
				now := is.ResourceSpans().At(i).ScopeSpans().At(j).Spans().At(k).Attributes()
				for key, v := range s.Attributes().All() {
					if first, _ := s.Attributes().Get(key); !first.Equal(v) {
						continue // a key that stands there twice
					}
					got, ok := now.Get(key)
					require.True(t, ok)
					require.True(t, v.Equal(got), "%s: %s became %s", key, v.AsString(), got.AsString())
				}
			}
		}
	}
}
