package clickhouse

import (
	"encoding/binary"
	"hash/maphash"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// words are the values of a LowCardinality(String): each value once, and for each row its place. The server would do the
// same to a String, at a higher price. Place 0 is the empty text or, in a nullable column, NULL.
type words struct {
	keys   texts
	at     []extent // where each key stands in keys
	table  []uint32 // hash table of open addressing: place + 1, 0 is free
	places []uint32 // of the rows
	last   string   // that of the row before, nearly always the same again
	place  uint32
	seed   maphash.Seed
}

type extent struct{ from, to int }

const (
	firstTable = 64
	maxTable   = 1 << 16 // kept for the next block
)

func newWords() words {
	w := words{seed: maphash.MakeSeed(), table: make([]uint32, firstTable)}
	w.key("")
	return w
}

// put adds a row.
func (w *words) put(s string) {
	if s == "" {
		w.places = append(w.places, 0)
		return
	}
	if s != w.last {
		w.last, w.place = s, w.find(s)
	}
	w.places = append(w.places, w.place)
}

// find is the place of s, a new one where there is none.
func (w *words) find(s string) uint32 {
	mask := uint64(len(w.table) - 1)
	i := maphash.String(w.seed, s) & mask
	for ; w.table[i] != 0; i = (i + 1) & mask {
		place := w.table[i] - 1
		if e := w.at[place]; string(w.keys.buf[e.from:e.to]) == s {
			return place
		}
	}
	w.table[i] = w.key(s) + 1
	if 2*len(w.at) > len(w.table) {
		w.grow()
	}
	return uint32(len(w.at) - 1) //nolint:gosec // a block has fewer rows
}

// key appends a value to the dictionary.
func (w *words) key(s string) uint32 {
	w.keys.put(s)
	end := len(w.keys.buf)
	w.at = append(w.at, extent{end - len(s), end})
	return uint32(len(w.at) - 1) //nolint:gosec // a block has fewer rows
}

func (w *words) grow() {
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

func (w *words) reset() {
	if len(w.table) > maxTable {
		w.table = make([]uint32, firstTable)
	}
	clear(w.table)
	w.keys.reset()
	w.at, w.places = w.at[:0], w.places[:0]
	w.last, w.place = "", 0
	w.key("")
}

// LowCardinality's form: a version ahead of the column, then flags with the width of the places, the keys, the places.
const (
	dictionaryVersion = 1
	hasKeys           = 1<<9 | 1<<10 // additional keys are sent along; those of the block before do not count
)

func (w *words) encodeState(b *proto.Buffer) { b.PutInt64(dictionaryVersion) }

func (w *words) encode(b *proto.Buffer) {
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

// word is a LowCardinality(String) column.
type word struct {
	words
	field func(*session.Event) *string
}

func (c *word) Type() proto.ColumnType       { return "LowCardinality(String)" }
func (c *word) Rows() int                    { return len(c.places) }
func (c *word) Reset()                       { c.reset() }
func (c *word) add(e *session.Event)         { c.put(*c.field(e)) }
func (c *word) EncodeState(b *proto.Buffer)  { c.encodeState(b) }
func (c *word) EncodeColumn(b *proto.Buffer) { c.encode(b) }
func (c *word) WriteColumn(w *proto.Writer)  { w.ChainBuffer(c.encode) }

// userName is the one nullable column: an empty name is not the same as none.
type userName struct{ words }

func (c *userName) Type() proto.ColumnType       { return "LowCardinality(Nullable(String))" }
func (c *userName) Rows() int                    { return len(c.places) }
func (c *userName) Reset()                       { c.reset() }
func (c *userName) EncodeState(b *proto.Buffer)  { c.encodeState(b) }
func (c *userName) EncodeColumn(b *proto.Buffer) { c.encode(b) }
func (c *userName) WriteColumn(w *proto.Writer)  { w.ChainBuffer(c.encode) }

func (c *userName) add(e *session.Event) {
	switch {
	case e.User != "":
		c.put(e.User)
	case e.UserEmpty:
		c.places = append(c.places, c.find(""))
	default:
		c.places = append(c.places, 0)
	}
}
