package otlprecord

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// Decoder makes the SDK's records of OTLP. The SDK lets nobody else make records that have a resource and a scope, so the
// decoder is an application of it: a provider for each resource, which emits what was emitted once before into a processor
// that keeps it. It is not safe for concurrent use.
type Decoder struct {
	providers map[resourceKey]*sdklog.LoggerProvider
	collector recordCollector
}

type resourceKey struct {
	schema     string
	attributes attribute.Distinct
}

type recordCollector struct{ records []sdklog.Record }

// NewDecoder makes a decoder.
func NewDecoder() *Decoder { return &Decoder{providers: map[resourceKey]*sdklog.LoggerProvider{}} }

var errLost = errors.New("the SDK did not give the record back")

// Append adds the records of ld to the list.
func (d *Decoder) Append(list []sdklog.Record, ld plog.Logs) ([]sdklog.Record, error) {
	d.collector.records = list
	want := len(list) + ld.LogRecordCount()
	for _, rl := range ld.ResourceLogs().All() {
		provider := d.providerOfResource(rl)
		for _, sl := range rl.ScopeLogs().All() {
			logger := provider.Logger(sl.Scope().Name(), log.WithInstrumentationVersion(sl.Scope().Version()),
				log.WithSchemaURL(sl.SchemaUrl()), log.WithInstrumentationAttributes(keyValues(sl.Scope().Attributes())...))
			for _, lr := range sl.LogRecords().All() {
				logger.Emit(spanContext(lr), decodeLogRecord(lr))
			}
		}
	}
	list, d.collector.records = d.collector.records, nil
	if len(list) != want {
		return list, errLost
	}
	return list, nil
}

func (d *Decoder) providerOfResource(rl plog.ResourceLogs) *sdklog.LoggerProvider {
	set := attribute.NewSet(keyValues(rl.Resource().Attributes())...)
	key := resourceKey{rl.SchemaUrl(), set.Equivalent()}
	if p := d.providers[key]; p != nil {
		return p
	}
	p := sdklog.NewLoggerProvider(sdklog.WithProcessor(&d.collector), sdklog.WithResource(resource.NewWithAttributes(rl.SchemaUrl(), set.ToSlice()...)),
		sdklog.WithAttributeCountLimit(-1), sdklog.WithAttributeValueLengthLimit(-1), sdklog.WithAllowKeyDuplication())
	d.providers[key] = p
	return p
}

func spanContext(lr plog.LogRecord) context.Context {
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(lr.TraceID()), SpanID: trace.SpanID(lr.SpanID()), TraceFlags: trace.TraceFlags(lr.Flags()),
	}))
}

func decodeLogRecord(lr plog.LogRecord) (r log.Record) {
	r.SetEventName(lr.EventName())
	if lr.Timestamp() != 0 {
		r.SetTimestamp(time.Unix(0, int64(lr.Timestamp())))
	}
	r.SetObservedTimestamp(time.Unix(0, int64(lr.ObservedTimestamp())))
	r.SetSeverity(log.Severity(lr.SeverityNumber()))
	r.SetSeverityText(lr.SeverityText())
	r.SetBody(attributeValue(lr.Body()))
	r.AddAttributes(keyValues(lr.Attributes())...)
	return r
}

func keyValues(m pcommon.Map) []attribute.KeyValue {
	list := make([]attribute.KeyValue, 0, m.Len())
	for key, v := range m.All() {
		list = append(list, attribute.KeyValue{Key: attribute.Key(key), Value: attributeValue(v)})
	}
	return list
}

func attributeValue(v pcommon.Value) attribute.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return attribute.StringValue(v.Str())
	case pcommon.ValueTypeBool:
		return attribute.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return attribute.Int64Value(v.Int())
	case pcommon.ValueTypeDouble:
		return attribute.Float64Value(v.Double())
	case pcommon.ValueTypeBytes:
		return attribute.ByteSliceValue(v.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		return attribute.MapValue(keyValues(v.Map())...)
	case pcommon.ValueTypeSlice:
		list := make([]attribute.Value, 0, v.Slice().Len())
		for _, x := range v.Slice().All() {
			list = append(list, attributeValue(x))
		}
		return attribute.SliceValue(list...)
	}
	return attribute.Value{}
}

// Enabled, OnEmit, ForceFlush and Shutdown make the collector a processor.
func (c *recordCollector) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }

func (c *recordCollector) OnEmit(_ context.Context, r *sdklog.Record) error {
	c.records = append(c.records, r.Clone())
	return nil
}

func (c *recordCollector) ForceFlush(context.Context) error { return nil }
func (c *recordCollector) Shutdown(context.Context) error   { return nil }
