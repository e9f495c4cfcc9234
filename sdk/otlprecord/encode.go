// Package otlprecord turns the SDK's log records into OTLP and back: OTLP is what is on the disk, and what the mapping to
// events reads.
package otlprecord

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// Encode makes OTLP of the records, in their order: a resource or scope that comes again after another is there again.
func Encode(records []sdklog.Record) plog.Logs {
	ld := plog.NewLogs()
	var last *resource.Resource
	var scope instrumentation.Scope
	var to plog.LogRecordSlice
	for i := range records {
		r := &records[i]
		if i == 0 || r.Resource() != last || r.InstrumentationScope() != scope {
			last, scope = r.Resource(), r.InstrumentationScope()
			to = appendScope(ld, last, scope)
		}
		encodeRecord(r, to.AppendEmpty())
	}
	return ld
}

func appendScope(ld plog.Logs, res *resource.Resource, scope instrumentation.Scope) plog.LogRecordSlice {
	rl := ld.ResourceLogs().AppendEmpty()
	rl.SetSchemaUrl(res.SchemaURL())
	putAttributeSet(rl.Resource().Attributes(), res.Iter())
	sl := rl.ScopeLogs().AppendEmpty()
	sl.SetSchemaUrl(scope.SchemaURL)
	sl.Scope().SetName(scope.Name)
	sl.Scope().SetVersion(scope.Version)
	putAttributeSet(sl.Scope().Attributes(), scope.Attributes.Iter())
	return sl.LogRecords()
}

func putAttributeSet(m pcommon.Map, iter attribute.Iterator) {
	for iter.Next() {
		putAttribute(m, iter.Attribute())
	}
}

func encodeRecord(r *sdklog.Record, lr plog.LogRecord) {
	lr.SetEventName(r.EventName())
	lr.SetTimestamp(otlpTimestamp(r.Timestamp()))
	lr.SetObservedTimestamp(otlpTimestamp(r.ObservedTimestamp()))
	lr.SetSeverityNumber(plog.SeverityNumber(r.Severity()))
	lr.SetSeverityText(r.SeverityText())
	lr.SetTraceID(pcommon.TraceID(r.TraceID()))
	lr.SetSpanID(pcommon.SpanID(r.SpanID()))
	lr.SetFlags(plog.LogRecordFlags(r.TraceFlags()))
	lr.SetDroppedAttributesCount(uint32(r.DroppedAttributes()))
	setAttributeValue(lr.Body(), r.Body())
	m := lr.Attributes()
	m.EnsureCapacity(r.AttributesLen())
	r.WalkAttributes(func(a attribute.KeyValue) bool {
		putAttribute(m, a)
		return true
	})
}

// otlpTimestamp is 0 for no time, and for one before 1970, as the SDK's OTLP exporters have it.
func otlpTimestamp(t time.Time) pcommon.Timestamp {
	if t.IsZero() || t.UnixNano() < 0 {
		return 0
	}
	return pcommon.NewTimestampFromTime(t)
}

func setAttributeValue(to pcommon.Value, v attribute.Value) {
	switch v.Type() {
	case attribute.STRING:
		plogs.SetText(to, v.AsString())
	case attribute.BOOL:
		to.SetBool(v.AsBool())
	case attribute.INT64:
		to.SetInt(v.AsInt64())
	case attribute.FLOAT64:
		to.SetDouble(v.AsFloat64())
	case attribute.BYTESLICE:
		to.SetEmptyBytes().FromRaw(v.AsByteSlice())
	case attribute.SLICE:
		setSliceValue(to, v.AsSlice(), setAttributeValue)
	case attribute.STRINGSLICE:
		setSliceValue(to, v.AsStringSlice(), plogs.SetText)
	case attribute.BOOLSLICE:
		setSliceValue(to, v.AsBoolSlice(), pcommon.Value.SetBool)
	case attribute.INT64SLICE:
		setSliceValue(to, v.AsInt64Slice(), pcommon.Value.SetInt)
	case attribute.FLOAT64SLICE:
		setSliceValue(to, v.AsFloat64Slice(), pcommon.Value.SetDouble)
	case attribute.MAP:
		m := to.SetEmptyMap()
		for _, a := range v.AsMap() {
			putAttribute(m, a)
		}
	}
}

// putAttribute sets an attribute. Its key is UTF-8, as OTLP strings must be.
func putAttribute(m pcommon.Map, a attribute.KeyValue) {
	setAttributeValue(m.PutEmpty(strings.ToValidUTF8(string(a.Key), "\uFFFD")), a.Value)
}

func setSliceValue[T any](to pcommon.Value, list []T, set func(pcommon.Value, T)) {
	s := to.SetEmptySlice()
	s.EnsureCapacity(len(list))
	for _, x := range list {
		set(s.AppendEmpty(), x)
	}
}
