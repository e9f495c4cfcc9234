package clickhouse

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// dictionary are the values of a LowCardinality(String): each value once, and for each row its place. The server would do the
// same to a String, at a higher price. Place 0 is the empty text or, in a nullable column, NULL.
type dictionary struct {
	keys   textBuffer
	at     []keyExtent // where each key stands in keys
	table  []uint32    // hash table of open addressing: place + 1, 0 is free
	places []uint32    // of the rows
	last   string      // that of the row before, nearly always the same again
	place  uint32
	seed   maphash.Seed
}

type keyExtent struct{ from, to int }

const (
	firstTable = 64
	maxTable   = 1 << 16 // kept for the next block
)

func newDictionary() dictionary {
	w := dictionary{seed: maphash.MakeSeed(), table: make([]uint32, firstTable)}
	w.appendKey("")
	return w
}

func (w *dictionary) appendValue(s string) {
	if s == "" {
		w.places = append(w.places, 0)
		return
	}
	if s != w.last {
		w.last, w.place = s, w.findOrAddKey(s)
	}
	w.places = append(w.places, w.place)
}

// findOrAddKey is the place of s, a new one where there is none.
func (w *dictionary) findOrAddKey(s string) uint32 {
	mask := uint64(len(w.table) - 1)
	i := maphash.String(w.seed, s) & mask
	for ; w.table[i] != 0; i = (i + 1) & mask {
		place := w.table[i] - 1
		if e := w.at[place]; string(w.keys.buf[e.from:e.to]) == s {
			return place
		}
	}
	w.table[i] = w.appendKey(s) + 1
	if 2*len(w.at) > len(w.table) {
		w.growHashTable()
	}
	return uint32(len(w.at) - 1) //nolint:gosec // a block has fewer rows
}

func (w *dictionary) appendKey(s string) uint32 {
	w.keys.appendText(s)
	end := len(w.keys.buf)
	w.at = append(w.at, keyExtent{end - len(s), end})
	return uint32(len(w.at) - 1) //nolint:gosec // a block has fewer rows
}

func (w *dictionary) growHashTable() {
	w.table = make([]uint32, 2*len(w.table))
	mask := uint64(len(w.table) - 1)
	for place, e := range w.at[1:] {
		i := maphash.Bytes(w.seed, w.keys.buf[e.from:e.to]) & mask
		for w.table[i] != 0 {
			i = (i + 1) & mask
		}
		w.table[i] = uint32(place) + 2 //nolint:gosec // a block has fewer rows
	}
}

func (w *dictionary) resetDictionary() {
	if len(w.table) > maxTable {
		w.table = make([]uint32, firstTable)
	}
	clear(w.table)
	w.keys.resetBuffer()
	w.at, w.places = w.at[:0], w.places[:0]
	w.last, w.place = "", 0
	w.appendKey("")
}

// LowCardinality's form: a version ahead of the column, then flags with the width of the places, the keys, the places.
const (
	dictionaryVersion = 1
	hasKeys           = 1<<9 | 1<<10 // additional keys are sent along; those of the block before do not count
)

func (w *dictionary) encodeState(b *proto.Buffer) { b.PutInt64(dictionaryVersion) }

func (w *dictionary) encodeColumn(b *proto.Buffer) {
	if len(w.places) == 0 {
		return
	}
	width := 0
	switch {
	case len(w.at) > 1<<16:
		width = 2
	case len(w.at) > 1<<8:
		width = 1
	}
	b.PutInt64(int64(hasKeys | width))
	b.PutInt64(int64(len(w.at)))
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
	dictionary
	field func(*session.Event) *string
}

func (c *dictionaryColumn) Type() proto.ColumnType       { return "LowCardinality(String)" }
func (c *dictionaryColumn) Rows() int                    { return len(c.places) }
func (c *dictionaryColumn) Reset()                       { c.resetDictionary() }
func (c *dictionaryColumn) appendEvent(e *session.Event) { c.appendValue(*c.field(e)) }
func (c *dictionaryColumn) EncodeState(b *proto.Buffer)  { c.encodeState(b) }
func (c *dictionaryColumn) EncodeColumn(b *proto.Buffer) { c.encodeColumn(b) }
func (c *dictionaryColumn) WriteColumn(w *proto.Writer)  { w.ChainBuffer(c.encodeColumn) }

// userNameColumn is the one nullable column: an empty name is not the same as none.
type userNameColumn struct{ dictionary }

func (c *userNameColumn) Type() proto.ColumnType       { return "LowCardinality(Nullable(String))" }
func (c *userNameColumn) Rows() int                    { return len(c.places) }
func (c *userNameColumn) Reset()                       { c.resetDictionary() }
func (c *userNameColumn) EncodeState(b *proto.Buffer)  { c.encodeState(b) }
func (c *userNameColumn) EncodeColumn(b *proto.Buffer) { c.encodeColumn(b) }
func (c *userNameColumn) WriteColumn(w *proto.Writer)  { w.ChainBuffer(c.encodeColumn) }

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
