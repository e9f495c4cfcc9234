package shape

import (
	"strings"

	"github.com/go-faster/jx"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// sink takes a document, member by member. Elements of lists have no name. Texts are UTF-8. Names need no escapes in JSON, but those of
// attributes.
type sink interface {
	openObject(name string)
	openList(name string)
	closeObject()
	closeList()
	text(name, value string)
	integer(name string, n int64)
	boolean(name string, is bool)
	attribute(name string, a *session.Attr) // in its own type
}

// jsonSink writes JSON.
type jsonSink struct{ out jx.Writer }

// fieldStart writes the comma before all but the first member, and the name. The names that shapes give need no escapes: looking for them
// would take a third of the time.
func (s *jsonSink) fieldStart(name string) {
	s.comma()
	if name != "" {
		s.out.Buf = append(append(append(s.out.Buf, '"'), name...), '"', ':')
	}
}

func (s *jsonSink) comma() {
	if n := len(s.out.Buf); n > 0 && s.out.Buf[n-1] != '{' && s.out.Buf[n-1] != '[' {
		s.out.Buf = append(s.out.Buf, ',')
	}
}

func (s *jsonSink) openObject(name string) {
	s.fieldStart(name)
	s.out.ObjStart()
}

func (s *jsonSink) openList(name string) {
	s.fieldStart(name)
	s.out.ArrStart()
}

func (s *jsonSink) closeObject() { s.out.ObjEnd() }
func (s *jsonSink) closeList()   { s.out.ArrEnd() }

func (s *jsonSink) text(name, value string) {
	s.fieldStart(name)
	s.out.Str(value)
}

func (s *jsonSink) integer(name string, n int64) {
	s.fieldStart(name)
	s.out.Int64(n)
}

func (s *jsonSink) boolean(name string, is bool) {
	s.fieldStart(name)
	s.out.Bool(is)
}

func (s *jsonSink) attribute(name string, a *session.Attr) {
	s.comma()
	s.out.FieldStart(name)
	switch {
	case a.Type == session.AttrString || !jsoncolumn.IsNative(a) || strings.ContainsAny(a.Value, "\n\r"): // a document is one line
		s.out.Str(a.Value)
	case a.Type == session.AttrEmpty:
		s.out.Null()
	default:
		s.out.RawStr(a.Value)
	}
}

// valueSink fills a map of pdata. The last of open is the map or the list that is being filled.
type valueSink struct{ open []pcommon.Value }

func (s *valueSink) nextValue(name string) pcommon.Value {
	if top := s.open[len(s.open)-1]; top.Type() == pcommon.ValueTypeMap {
		return top.Map().PutEmpty(name)
	}
	return s.open[len(s.open)-1].Slice().AppendEmpty()
}

func (s *valueSink) openObject(name string) {
	v := s.nextValue(name)
	v.SetEmptyMap()
	s.open = append(s.open, v)
}

func (s *valueSink) openList(name string) {
	v := s.nextValue(name)
	v.SetEmptySlice()
	s.open = append(s.open, v)
}

func (s *valueSink) closeObject() { s.open = s.open[:len(s.open)-1] }
func (s *valueSink) closeList()   { s.open = s.open[:len(s.open)-1] }

func (s *valueSink) text(name, value string)      { s.nextValue(name).SetStr(value) }
func (s *valueSink) integer(name string, n int64) { s.nextValue(name).SetInt(n) }
func (s *valueSink) boolean(name string, is bool) { s.nextValue(name).SetBool(is) }

// attribute gives the value that JSON has: bytes are base64.
func (s *valueSink) attribute(name string, a *session.Attr) {
	switch {
	case a.Type == session.AttrBytes || !jsoncolumn.IsNative(a):
		s.nextValue(name).SetStr(a.Value)
	default:
		plogs.SetAttribute(a, s.nextValue(name))
	}
}
