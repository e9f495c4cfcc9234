package clickhouse

import (
	"slices"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ends are the offsets of an Array: for each row the number of elements up to its end.
type ends []uint64

func (o ends) encode(b *proto.Buffer) {
	for _, end := range o {
		b.PutUInt64(end)
	}
}

// list is an Array(LowCardinality(String)) column.
type list struct {
	ends ends
	words
	field func(*session.Event) *[]string
}

func (c *list) Type() proto.ColumnType      { return "Array(LowCardinality(String))" }
func (c *list) Rows() int                   { return len(c.ends) }
func (c *list) EncodeState(b *proto.Buffer) { c.encodeState(b) }
func (c *list) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

func (c *list) add(e *session.Event) {
	for _, s := range *c.field(e) {
		c.put(s)
	}
	c.ends = append(c.ends, uint64(len(c.places)))
}

func (c *list) Reset() {
	c.ends = c.ends[:0]
	c.reset()
}

func (c *list) EncodeColumn(b *proto.Buffer) {
	c.ends.encode(b)
	c.encode(b)
}

// pairs are an array of names and texts, which is what both settings and attributes are: a Map is an Array of Tuple.
type pairs struct {
	typ    proto.ColumnType
	ends   ends
	names  words
	values texts
	fill   func(p *pairs, e *session.Event)
	sorted []session.Attr
}

func (c *pairs) Type() proto.ColumnType      { return c.typ }
func (c *pairs) Rows() int                   { return len(c.ends) }
func (c *pairs) EncodeState(b *proto.Buffer) { c.names.encodeState(b) }
func (c *pairs) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

func (c *pairs) add(e *session.Event) {
	c.fill(c, e)
	c.ends = append(c.ends, uint64(c.values.n)) //nolint:gosec // never negative
}

func (c *pairs) put(name, value string) {
	c.names.put(name)
	c.values.put(value)
}

func (c *pairs) Reset() {
	c.ends = c.ends[:0]
	c.names.reset()
	c.values.reset()
}

func (c *pairs) EncodeColumn(b *proto.Buffer) {
	c.ends.encode(b)
	c.names.encode(b)
	b.Buf = append(b.Buf, c.values.buf...)
}

func fillSettings(p *pairs, e *session.Event) {
	for _, s := range e.Settings {
		p.put(s.Name, s.Value)
	}
}

// fillAttributes writes them in order of their keys, which compresses better and lets their types stand beside them.
func fillAttributes(p *pairs, e *session.Event) {
	p.sorted = jsoncolumn.SortAttributes(e.Extra, p.sorted)
	for i := range p.sorted {
		p.put(p.sorted[i].Key, p.sorted[i].Value)
	}
	clear(p.sorted)
}

// attributeTypes is a letter for each attribute, nothing where all are strings. They are stored as text whatever they were.
type attributeTypes struct {
	words
	letters []byte
	sorted  []session.Attr
}

func (c *attributeTypes) Type() proto.ColumnType       { return "LowCardinality(String)" }
func (c *attributeTypes) Rows() int                    { return len(c.places) }
func (c *attributeTypes) Reset()                       { c.reset() }
func (c *attributeTypes) EncodeState(b *proto.Buffer)  { c.encodeState(b) }
func (c *attributeTypes) EncodeColumn(b *proto.Buffer) { c.encode(b) }
func (c *attributeTypes) WriteColumn(w *proto.Writer)  { w.ChainBuffer(c.encode) }

func (c *attributeTypes) add(e *session.Event) {
	if !slices.ContainsFunc(e.Extra, func(a session.Attr) bool { return a.Type != session.AttrString }) {
		c.put("")
		return
	}
	c.sorted = jsoncolumn.SortAttributes(e.Extra, c.sorted)
	c.letters = c.letters[:0]
	for i := range c.sorted {
		c.letters = append(c.letters, jsoncolumn.TypeLetter(c.sorted[i].Type))
	}
	clear(c.sorted)
	c.places = append(c.places, c.find(unsafe.String(unsafe.SliceData(c.letters), len(c.letters)))) // find copies what it keeps
}
