package otlprecord

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// fullRecord is a record with every kind of value, through a provider with a resource and a scope.
func fullRecord(t *testing.T, name string) sdklog.Record {
	t.Helper()
	var c recordCollector
	values := []attribute.Value{
		attribute.StringValue("text"), attribute.BoolValue(true), attribute.Int64Value(-7), attribute.Float64Value(0.5),
		attribute.ByteSliceValue([]byte{0, 0xff}), attribute.StringSliceValue([]string{"a", ""}), attribute.BoolSliceValue([]bool{true, false}),
		attribute.Int64SliceValue([]int64{1, -1}), attribute.Float64SliceValue([]float64{1.5}), attribute.SliceValue(attribute.StringValue("x"), attribute.Int64Value(1)),
		attribute.MapValue(attribute.String("k", "v"), attribute.Int("n", 1)),
		{},
		attribute.StringValue(""), attribute.SliceValue(),
	}
	var r log.Record
	for i, v := range values {
		r.AddAttributes(attribute.KeyValue{Key: attribute.Key(string(rune('a' + i))), Value: v})
	}
	r.SetEventName("sessionlog." + name)
	r.SetTimestamp(time.Unix(0, 1_795_000_000_123_456_789))
	r.SetObservedTimestamp(time.Unix(0, 1_795_000_009_000_000_001))
	r.SetSeverity(log.SeverityWarn)
	r.SetSeverityText("oops")
	r.SetBody(attribute.StringValue("line"))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(&c), sdklog.WithResource(resource.NewWithAttributes("https://example.com/schema/1", attribute.String("service.name", "shop"), attribute.Int("n", 3))))
	ctx := trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	}))
	provider.Logger("shop/"+name, log.WithInstrumentationVersion("1.2"), log.WithSchemaURL("https://example.com/schema/2"),
		log.WithInstrumentationAttributes(attribute.String("lib", "x"))).Emit(ctx, r)
	require.Len(t, c.records, 1)
	return c.records[0]
}

// TestRecordsComeBackFromOTLP: what an exporter gets after a restart is what was emitted.
func TestRecordsComeBackFromOTLP(t *testing.T) {
	records := []sdklog.Record{fullRecord(t, "login"), fullRecord(t, "logout"), fullRecord(t, "login")}
	before := Encode(records)
	require.Equal(t, 3, before.ResourceLogs().Len(), "three providers")
	payload, err := (&plog.ProtoMarshaler{}).MarshalLogs(before)
	require.NoError(t, err)
	ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(payload)
	require.NoError(t, err)

	d := NewDecoder()
	back, err := d.Append(nil, ld)
	require.NoError(t, err)
	require.Len(t, back, 3)
	require.Same(t, back[0].Resource(), back[2].Resource(), "one resource, one provider")
	again, err := (&plog.ProtoMarshaler{}).MarshalLogs(Encode(back))
	require.NoError(t, err)
	want, err := (&plog.JSONMarshaler{}).MarshalLogs(before)
	require.NoError(t, err)
	ld, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(again)
	require.NoError(t, err)
	got, err := (&plog.JSONMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(got))
	for i := range back {
		require.Equal(t, records[i].TraceFlags(), back[i].TraceFlags())
		require.Equal(t, records[i].InstrumentationScope(), back[i].InstrumentationScope())
		require.True(t, records[i].Timestamp().Equal(back[i].Timestamp()))
		require.Equal(t, records[i].Body(), back[i].Body())
	}
}

// TestLimitsOfTheEnvironmentAreNotAppliedTwice: the environment of the process that delivers may be another.
func TestLimitsOfTheEnvironmentAreNotAppliedTwice(t *testing.T) {
	r := fullRecord(t, "login")
	t.Setenv("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "1")
	t.Setenv("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1")
	back, err := NewDecoder().Append(nil, Encode([]sdklog.Record{r}))
	require.NoError(t, err)
	require.Equal(t, r.AttributesLen(), back[0].AttributesLen())
	back[0].WalkAttributes(func(a attribute.KeyValue) bool {
		require.Equal(t, "text", a.Value.AsString())
		return false
	})
}

func TestEventsAreToldByTheirName(t *testing.T) {
	for name, want := range map[string]bool{
		"sessionlog.login": true, "sessionlog.logout": true, "sessionlog.session.update": true,
		"": false, "login": false, "session.start": false, "sessionlog.": false, "sessionlog.other": false,
	} {
		require.Equal(t, want, IsEvent(name), name)
	}
}
