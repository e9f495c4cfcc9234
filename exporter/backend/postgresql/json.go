package postgresql

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsontext"
	"github.com/otel-sessionlog/sessionlog/session"
)

// jsonScratch builds the JSON of one cell after the other in the same memory, with texts in the form that tables take.
type jsonScratch struct {
	buf    []byte
	text   []byte
	sorted []session.Attr
}

// settings is [["name","value"],…], nothing when empty: what ClickHouse makes of its Array(Tuple(String, String)).
func (j *jsonScratch) settings(settings []session.Setting) []byte {
	b := j.buf[:0]
	for i, s := range settings {
		b = append(b, jsontext.Opening('[', i), '[')
		b = append(j.str(b, s.Name), ',')
		b = append(j.str(b, s.Value), ']')
	}
	return j.end(b, ']')
}

// attributes is {"key":value,…}, nothing when there are none. Of attributes that share a key the first is here, and all of
// them are in exact.
func (j *jsonScratch) attributes(attrs []session.Attr) []byte {
	attrs = j.order(attrs)
	b := j.buf[:0]
	for i := range attrs {
		a := &attrs[i]
		if i > 0 && attrs[i-1].Key == a.Key {
			continue
		}
		b = append(b, jsontext.Opening('{', i))
		b = append(j.str(b, a.Key), ':')
		switch {
		case a.Type == session.AttrString || !presentable(a):
			b = j.str(b, a.Value)
		case a.Type == session.AttrEmpty:
			b = append(b, "null"...)
		default:
			b = append(b, a.Value...)
		}
	}
	return j.end(b, '}')
}

// exact is [["key","letter","value"],…] of the attributes that attributes alone does not give back: nothing, nearly always.
func (j *jsonScratch) exact(attrs []session.Attr) []byte {
	attrs = j.order(attrs)
	b := j.buf[:0]
	for i := range attrs {
		a := &attrs[i]
		shared := i > 0 && attrs[i-1].Key == a.Key || i+1 < len(attrs) && attrs[i+1].Key == a.Key
		if natural(a) && !shared {
			continue
		}
		b = append(b, jsontext.Opening('[', len(b)), '[')
		b = append(j.str(b, a.Key), ',', '"', typeLetters[min(int(a.Type), len(typeLetters)-1)], '"', ',')
		b = append(j.str(b, a.Value), ']')
	}
	return j.end(b, ']')
}

// order sorts the attributes, so that two records that say the same are the same JSON. The event's own stay as they are.
func (j *jsonScratch) order(attrs []session.Attr) []session.Attr {
	if slices.IsSortedFunc(attrs, compareAttrs) {
		return attrs
	}
	j.sorted = append(j.sorted[:0], attrs...)
	slices.SortFunc(j.sorted, compareAttrs)
	return j.sorted
}

func compareAttrs(a, b session.Attr) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Value, b.Value))
}

// end closes what was built, if anything was.
func (j *jsonScratch) end(b []byte, closing byte) []byte {
	if len(b) > 0 {
		b = append(b, closing)
	}
	j.buf = b
	return b
}

// str quotes s in the form that tables take.
func (j *jsonScratch) str(b []byte, s string) []byte {
	if !storable(s) {
		j.text = appendStorable(j.text[:0], s)
		s = unsafe.String(unsafe.SliceData(j.text), len(j.text)) // read before text is used again
	}
	return jsontext.AppendString(b, s)
}
