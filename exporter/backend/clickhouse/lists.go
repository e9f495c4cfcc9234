package clickhouse

import (
	"slices"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// arrayEnds are the offsets of an Array: for each row the number of elements up to its end.
type arrayEnds []uint64

func (o arrayEnds) encodeEnds(b *proto.Buffer) {
	for _, end := range o {
		b.PutUInt64(end)
	}
}

// listColumn is an Array(LowCardinality(String)) column.
type listColumn struct {
	ends arrayEnds
	valueDictionary
	field func(*session.Event) *[]string
}

func (c *listColumn) Type() proto.ColumnType      { return "Array(LowCardinality(String))" }
func (c *listColumn) Rows() int                   { return len(c.ends) }
func (c *listColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

func (c *listColumn) appendEvent(e *session.Event) {
	for _, s := range *c.field(e) {
		c.appendValue(s)
	}
	c.ends = append(c.ends, uint64(len(c.places)))
}

func (c *listColumn) Reset() {
	c.ends = c.ends[:0]
	c.valueDictionary.Reset()
}

func (c *listColumn) EncodeColumn(b *proto.Buffer) {
	c.ends.encodeEnds(b)
	c.valueDictionary.EncodeColumn(b)
}

// pairsColumn are an array of names and texts, which is what both settings and attributes are: a Map is an Array of Tuple.
type pairsColumn struct {
	typ    proto.ColumnType
	ends   arrayEnds
	names  valueDictionary
	values textBuffer
	fill   func(p *pairsColumn, e *session.Event)
	sorted []session.Attr
}

func (c *pairsColumn) Type() proto.ColumnType      { return c.typ }
func (c *pairsColumn) Rows() int                   { return len(c.ends) }
func (c *pairsColumn) EncodeState(b *proto.Buffer) { c.names.EncodeState(b) }
func (c *pairsColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

func (c *pairsColumn) appendEvent(e *session.Event) {
	c.fill(c, e)
	c.ends = append(c.ends, uint64(c.values.n)) //nolint:gosec // never negative
}

func (c *pairsColumn) appendPair(name, value string) {
	c.names.appendValue(name)
	c.values.appendText(value)
}

func (c *pairsColumn) Reset() {
	c.ends = c.ends[:0]
	c.names.Reset()
	c.values.resetBuffer()
}

func (c *pairsColumn) EncodeColumn(b *proto.Buffer) {
	c.ends.encodeEnds(b)
	c.names.EncodeColumn(b)
	b.Buf = append(b.Buf, c.values.buf...)
}

func fillSettings(p *pairsColumn, e *session.Event) {
	for _, s := range e.Settings {
		p.appendPair(s.Name, s.Value)
	}
}

func fillAttributes(p *pairsColumn, e *session.Event) {
	// Sorted keys compress better, and let their types be beside them.
	p.sorted = jsoncolumn.SortAttributes(e.Extra, p.sorted)
	for i := range p.sorted {
		p.appendPair(p.sorted[i].Key, p.sorted[i].Value)
	}
	clear(p.sorted)
}

// attributeTypesColumn is a letter for each attribute, nothing where all are strings. They are stored as text whatever they were.
type attributeTypesColumn struct {
	valueDictionary
	letters []byte
	sorted  []session.Attr
}

func (c *attributeTypesColumn) Type() proto.ColumnType { return "LowCardinality(String)" }

func (c *attributeTypesColumn) appendEvent(e *session.Event) {
	if !slices.ContainsFunc(e.Extra, func(a session.Attr) bool { return a.Type != session.AttrString }) {
		c.appendValue("")
		return
	}
	c.sorted = jsoncolumn.SortAttributes(e.Extra, c.sorted)
	c.letters = c.letters[:0]
	for i := range c.sorted {
		c.letters = append(c.letters, jsoncolumn.TypeLetter(c.sorted[i].Type))
	}
	clear(c.sorted)
	c.places = append(c.places, c.findOrAddKey(unsafe.String(unsafe.SliceData(c.letters), len(c.letters))))
}
