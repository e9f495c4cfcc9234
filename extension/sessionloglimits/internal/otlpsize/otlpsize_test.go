package otlpsize

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

var ample = Limits{Records: 1 << 40, Attributes: 1 << 40, Bytes: 1 << 40}

func fill(m pcommon.Map) {
	m.PutStr("text", "a \"quoted\" [{text}] \\")
	m.PutInt("number", -7)
	list := m.PutEmptySlice("list")
	list.AppendEmpty().SetStr("x")
	list.AppendEmpty().SetEmptyMap().PutBool("inner", true)
} // 4 attributes, 2 values and 1 attribute of them: 6 light ones

const filled = 3 + 2 + 1

func logs() plogotlp.ExportRequest {
	ld := plog.NewLogs()
	for range 2 {
		rl := ld.ResourceLogs().AppendEmpty()
		fill(rl.Resource().Attributes())
		for range 3 {
			sl := rl.ScopeLogs().AppendEmpty()
			fill(sl.Scope().Attributes())
			for range 5 {
				lr := sl.LogRecords().AppendEmpty()
				lr.SetTimestamp(1 << 60)
				lr.SetTraceID([16]byte{1})
				lr.Body().SetStr("body")
				fill(lr.Attributes())
			}
		}
	}
	return plogotlp.NewExportRequestFromLogs(ld)
}

func traces() ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 4 {
		span := s.AppendEmpty()
		span.SetName("s")
		span.Status().SetMessage("bad")
		fill(span.Attributes())
		fill(span.Events().AppendEmpty().Attributes())
		fill(span.Links().AppendEmpty().Attributes())
	}
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func metrics() pmetricotlp.ExportRequest {
	md := pmetric.NewMetrics()
	ms := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics()
	p := ms.AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	fill(p.Attributes())
	fill(p.Exemplars().AppendEmpty().FilteredAttributes())
	fill(ms.AppendEmpty().SetEmptySum().DataPoints().AppendEmpty().Attributes())
	fill(ms.AppendEmpty().SetEmptyHistogram().DataPoints().AppendEmpty().Attributes())
	fill(ms.AppendEmpty().SetEmptyExponentialHistogram().DataPoints().AppendEmpty().Attributes())
	fill(ms.AppendEmpty().SetEmptySummary().DataPoints().AppendEmpty().Attributes())
	return pmetricotlp.NewExportRequestFromMetrics(md)
}

// TestBothEncodingsCountAlike, however the request is cut into parts.
func TestBothEncodingsCountAlike(t *testing.T) {
	type request interface {
		MarshalProto() ([]byte, error)
		MarshalJSON() ([]byte, error)
	}
	for _, c := range []struct {
		signal              Signal
		request             request
		records, attributes int64
	}{
		{Logs, logs(), 2 + 2*3 + 2*3*5, filled * (2 + 6 + 30)},
		{Traces, traces(), 1 + 1 + 4*3, filled * 12},
		{Metrics, metrics(), 1 + 1 + 5 + 5 + 1, filled * 6},
	} {
		binary, err := c.request.MarshalProto()
		require.NoError(t, err)
		text, err := c.request.MarshalJSON()
		require.NoError(t, err)
		for seed := range uint64(50) {
			p := newProtobufCounter(requestSchemas[c.signal], ample)
			countInParts(t, p, binary, seed)
			require.Equal(t, c.records, p.records, "%v", c.signal)
			require.Equal(t, c.attributes, p.attributes, "%v", c.signal)
			require.EqualValues(t, len(binary), p.bytes)
			j := NewJSON(ample).(*jsonCounter)
			countInParts(t, j, text, seed)
			require.Equal(t, c.records, j.records, "%v", c.signal)
			require.Equal(t, c.attributes, j.attributes, "%v", c.signal)
		}
		require.NoError(t, NewProtobuf(Unknown, ample).Count(binary), "read as another signal it may be no OTLP: only its own counts")
	}
}

func countInParts(t *testing.T, c Counter, b []byte, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	for len(b) > 0 {
		n := min(len(b), 1+random.IntN(7))
		require.NoError(t, c.Count(b[:n]))
		b = b[n:]
	}
}

// lengthOf a field: tag, length, content.
func lengthDelimited(tag byte, content []byte) []byte {
	out := []byte{tag<<3 | 2}
	n := len(content)
	for n >= 0x80 {
		out = append(out, byte(n)|0x80)
		n >>= 7
	}
	return append(append(out, byte(n)), content...)
}

// TestWhatUnpacksToMuch is refused, at whichever level the much is.
func TestWhatUnpacksToMuch(t *testing.T) {
	limits := Limits{Records: 1000, Attributes: 2000, Bytes: 1 << 20}
	const many = 5000
	records := bytes.Repeat([]byte{0x12, 0x00}, many)    // log_records, spans, metrics
	attributes := bytes.Repeat([]byte{0x32, 0x00}, many) // of a log record
	values := bytes.Repeat([]byte{0x0a, 0x00}, many)     // of an array or a list
	inResource := func(b []byte) []byte { return lengthDelimited(1, b) }
	inScope := func(b []byte) []byte { return inResource(lengthDelimited(2, b)) }
	inRecord := func(b []byte) []byte { return inScope(lengthDelimited(2, b)) }
	deep := []byte{}
	for range 1000 {
		deep = lengthDelimited(5, lengthDelimited(1, deep))
	}
	for _, c := range []struct {
		name   string
		signal Signal
		body   []byte
		err    error
	}{
		{"log records", Logs, inScope(records), ErrRecords},
		{"spans", Traces, inScope(records), ErrRecords},
		{"metrics", Metrics, inScope(records), ErrRecords},
		{"on a path that nobody knows", Unknown, inScope(records), ErrRecords},
		{"scopes", Logs, inResource(records), ErrRecords},
		{"deprecated scopes", Logs, inResource(bytes.Repeat([]byte{0xc2, 0x3e, 0x00}, many)), ErrRecords},
		{"resources", Logs, bytes.Repeat([]byte{0x0a, 0x00}, many), ErrRecords},
		{"attributes", Logs, inRecord(attributes), ErrAttributes},
		{"attributes of a resource", Logs, inResource(lengthDelimited(1, values)), ErrAttributes},
		{"a body that is a list", Logs, inRecord(lengthDelimited(5, lengthDelimited(5, values))), ErrAttributes},
		{"span events", Traces, inRecord(bytes.Repeat([]byte{0x5a, 0x00}, many)), ErrRecords},
		{"points", Metrics, inRecord(lengthDelimited(5, values)), ErrRecords},
		{"values within values", Logs, inRecord(lengthDelimited(5, deep)), ErrNesting},
		{"text", Logs, inRecord(lengthDelimited(5, lengthDelimited(1, make([]byte, 1<<20)))), ErrBytes},
		{"a group", Logs, []byte{0x0b, 0x0c}, ErrMalformed},
		{"longer than its parent", Logs, []byte{0x0a, 0x02, 0x12, 0x7f, 0, 0}, ErrMalformed},
		{"a varint without end", Logs, bytes.Repeat([]byte{0xff}, 11), ErrMalformed},
	} {
		require.ErrorIs(t, NewProtobuf(c.signal, limits).Count(c.body), c.err, c.name)
	}
	for name, c := range map[string]struct {
		begin, each string
		err         error
	}{
		"log records":  {`{"resourceLogs":[{"scopeLogs":[{"logRecords":[`, `{},`, ErrRecords},
		"scopes":       {`{"resourceLogs":[{"scopeLogs":[`, `{},`, ErrRecords},
		"snake case":   {`{"resource_logs":[{"scope_logs":[{"log_records":[`, `{},`, ErrRecords},
		"attributes":   {`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[`, `{},`, ErrAttributes},
		"lists":        {`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[`, `{},`, ErrAttributes},
		"nested":       {``, `{"arrayValue":{"values":[`, ErrNesting},
		"closed twice": {`{}}`, ``, ErrMalformed},
	} {
		require.ErrorIs(t, NewJSON(limits).Count([]byte(c.begin+string(bytes.Repeat([]byte(c.each), many)))), c.err, name)
	}
}

// TestAnHonestBatchPasses of 8,192 events, whose texts look like JSON.
func TestAnHonestBatchPasses(t *testing.T) {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range 8192 {
		fill(records.AppendEmpty().Attributes())
	}
	limits := Limits{Records: 8194, Attributes: 8192 * filled, Bytes: 16 << 20}
	request := plogotlp.NewExportRequestFromLogs(ld)
	binary, err := request.MarshalProto()
	require.NoError(t, err)
	require.NoError(t, NewProtobuf(Logs, limits).Count(binary))
	text, err := request.MarshalJSON()
	require.NoError(t, err)
	require.NoError(t, NewJSON(limits).Count(text))
	limits.Records--
	require.ErrorIs(t, NewProtobuf(Logs, limits).Count(binary), ErrRecords)
	require.ErrorIs(t, NewJSON(limits).Count(text), ErrRecords)
}
