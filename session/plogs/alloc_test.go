package plogs

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func typicalEvents(n int) []session.Event {
	events := make([]session.Event, n)
	for i := range events {
		sessiontest.Typical(&events[i], i)
	}
	return events
}

// sumEvents decodes everything and keeps nothing.
func sumEvents(d *Decoder, ld plog.Logs) (sum int64) {
	for _, e := range d.All(ld) {
		sum += e.Time
	}
	return sum
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	ld := NewEncoder("test").Encode(typicalEvents(1000))
	d := NewDecoder()
	sumEvents(d, ld) // the scratch grows once
	perRun := testing.AllocsPerRun(10, func() { sumEvents(d, ld) })
	require.Less(t, perRun/1000, 0.01, "allocations per record")
}

// TestEncodeAllocatesWhatPdataDoes compares with building the same records by hand.
func TestEncodeAllocatesWhatPdataDoes(t *testing.T) {
	events := typicalEvents(1000)
	enc := NewEncoder("test")
	ld := enc.Encode(events)
	ours := testing.AllocsPerRun(5, func() { enc.Encode(events) })
	bare := testing.AllocsPerRun(5, func() { rebuildLogs(ld) })
	require.Less(t, ours, bare+50, "allocations per call: %v, by hand %v", ours, bare)
}

// rebuildLogs makes the same pdata again by plain calls: the limit that the encoder is measured against.
func rebuildLogs(ld plog.Logs) plog.Logs {
	from := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	out := plog.NewLogs()
	to := out.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	to.EnsureCapacity(from.Len())
	for i := range from.Len() {
		a, b := from.At(i), to.AppendEmpty()
		b.SetEventName(a.EventName())
		b.SetTimestamp(a.Timestamp())
		b.SetObservedTimestamp(a.ObservedTimestamp())
		b.SetSeverityNumber(a.SeverityNumber())
		b.Body().SetStr(a.Body().Str())
		b.Attributes().EnsureCapacity(a.Attributes().Len())
		rebuildMap(a.Attributes(), b.Attributes())
	}
	return out
}

func rebuildMap(from, to pcommon.Map) {
	for key, v := range from.All() {
		switch v.Type() {
		case pcommon.ValueTypeInt:
			to.PutInt(key, v.Int())
		case pcommon.ValueTypeSlice:
			s := to.PutEmptySlice(key)
			s.EnsureCapacity(v.Slice().Len())
			for j := range v.Slice().Len() {
				s.AppendEmpty().SetStr(v.Slice().At(j).Str())
			}
		case pcommon.ValueTypeMap:
			m := to.PutEmptyMap(key)
			m.EnsureCapacity(v.Map().Len())
			rebuildMap(v.Map(), m)
		default:
			to.PutStr(key, v.Str())
		}
	}
}

// keptStrings is what the bare walk leaves behind of one record, as any consumer that keeps what it reads must.
type keptStrings struct {
	name           string
	time, observed pcommon.Timestamp
	trace          pcommon.TraceID
	keys, values   [32]string
	numbers        [32]int64
}

// visitBare reads every field and every attribute of every record, nested ones too, and keeps them by position: the limit
// that the decoder is measured against.
func visitBare(ld plog.Logs, k *keptStrings) {
	records := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords()
	for i := range records.Len() {
		lr := records.At(i)
		*k = keptStrings{name: lr.EventName(), time: lr.Timestamp(), observed: lr.ObservedTimestamp(), trace: lr.TraceID()}
		n := 0
		for key, v := range lr.Attributes().All() {
			k.keys[n] = key
			switch v.Type() {
			case pcommon.ValueTypeStr:
				k.values[n] = v.Str()
			case pcommon.ValueTypeInt:
				k.numbers[n] = v.Int()
			case pcommon.ValueTypeSlice:
				for j := range v.Slice().Len() {
					k.values[n] = v.Slice().At(j).Str()
				}
			case pcommon.ValueTypeMap:
				for _, inner := range v.Map().All() {
					k.values[n] = inner.Str()
				}
			}
			n++
		}
	}
}

const benchRecords = 8192

func perRecord(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
	b.ReportMetric(float64(b.N)*benchRecords/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkDecode(b *testing.B) {
	ld := NewEncoder("test").Encode(typicalEvents(benchRecords))
	d := NewDecoder()
	b.ReportAllocs()
	for b.Loop() {
		sumEvents(d, ld)
	}
	perRecord(b)
}

func BenchmarkDecodeLimit(b *testing.B) {
	ld := NewEncoder("test").Encode(typicalEvents(benchRecords))
	var k keptStrings
	for b.Loop() {
		visitBare(ld, &k)
	}
	perRecord(b)
}

func BenchmarkEncode(b *testing.B) {
	events := typicalEvents(benchRecords)
	enc := NewEncoder("test")
	b.ReportAllocs()
	for b.Loop() {
		enc.Encode(events)
	}
	perRecord(b)
}

func BenchmarkEncodeLimit(b *testing.B) {
	ld := NewEncoder("test").Encode(typicalEvents(benchRecords))
	b.ReportAllocs()
	for b.Loop() {
		rebuildLogs(ld)
	}
	perRecord(b)
}
