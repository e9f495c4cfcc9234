package clickhouse

import (
	"encoding/binary"
	"unsafe"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// valueDictionary are the values of a LowCardinality(String): each value once, and for each row its place. The server would do the
// same to a String, at a higher price. Place 0 is the empty text or, in a nullable column, NULL.
type valueDictionary struct {
	keys   textBuffer
	known  map[string]uint32 // the place of each key; the texts are parts of keys
	places []uint32          // of the rows
	last   string            // that of the row before, nearly always the same again
	place  uint32
}

const maxKnownKeys = 1 << 15 // of a map that is kept for the next block

func newDictionary() valueDictionary {
	w := valueDictionary{known: map[string]uint32{}}
	w.keys.appendText("")
	return w
}

func (w *valueDictionary) appendValue(s string) {
	if s == "" {
		w.places = append(w.places, 0)
		return
	}
	if s != w.last {
		w.last, w.place = s, w.findOrAddKey(s)
	}
	w.places = append(w.places, w.place)
}

// findOrAddKey copies what it keeps.
func (w *valueDictionary) findOrAddKey(s string) uint32 {
	place, found := w.known[s]
	if !found {
		place = uint32(w.keys.n) //nolint:gosec // a block has fewer rows
		w.keys.appendText(s)
		kept := w.keys.buf[len(w.keys.buf)-len(s):]
		w.known[unsafe.String(unsafe.SliceData(kept), len(kept))] = place
	}
	return place
}

func (w *valueDictionary) Reset() {
	if len(w.known) > maxKnownKeys {
		w.known = map[string]uint32{}
	}
	clear(w.known)
	w.keys.resetBuffer()
	w.places, w.last, w.place = w.places[:0], "", 0
	w.keys.appendText("")
}

// LowCardinality's form: a version ahead of the column, then flags with the width of the places, the keys, the places.
const (
	dictionaryVersion = 1
	hasKeys           = 1<<9 | 1<<10 // additional keys are sent along; those of the block before do not count
)

func (w *valueDictionary) Rows() int { return len(w.places) }

func (w *valueDictionary) EncodeState(b *proto.Buffer) { b.PutInt64(dictionaryVersion) }

func (w *valueDictionary) WriteColumn(to *proto.Writer) { to.ChainBuffer(w.EncodeColumn) }

func (w *valueDictionary) EncodeColumn(b *proto.Buffer) {
	if len(w.places) == 0 {
		return
	}
	width := 0
	switch {
	case w.keys.n > 1<<16:
		width = 2
	case w.keys.n > 1<<8:
		width = 1
	}
	b.PutInt64(int64(hasKeys | width))
	b.PutInt64(int64(w.keys.n))
	b.Buf = append(b.Buf, w.keys.buf...)
	b.PutInt64(int64(len(w.places)))
	switch width {
	case 0:
		for _, p := range w.places {
			b.Buf = append(b.Buf, byte(p))
		}
	case 1:
		for _, p := range w.places {
			b.Buf = binary.LittleEndian.AppendUint16(b.Buf, uint16(p)) //nolint:gosec // width says so
		}
	default:
		for _, p := range w.places {
			b.Buf = binary.LittleEndian.AppendUint32(b.Buf, p)
		}
	}
}

// dictionaryColumn is a LowCardinality(String) column.
type dictionaryColumn struct {
	valueDictionary
	field func(*session.Event) *string
}

func (c *dictionaryColumn) Type() proto.ColumnType       { return "LowCardinality(String)" }
func (c *dictionaryColumn) appendEvent(e *session.Event) { c.appendValue(*c.field(e)) }

// userNameColumn is the one nullable column: an empty name is not the same as none.
type userNameColumn struct{ valueDictionary }

func (c *userNameColumn) Type() proto.ColumnType { return "LowCardinality(Nullable(String))" }

func (c *userNameColumn) appendEvent(e *session.Event) {
	switch {
	case e.User != "":
		c.appendValue(e.User)
	case e.UserEmpty:
		c.places = append(c.places, c.findOrAddKey(""))
	default:
		c.places = append(c.places, 0)
	}
}
