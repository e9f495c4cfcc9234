package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// cell collects one column of a block in the form in which it is sent: nothing is allocated for a record, and sending copies
// bytes. ch-go's own columns keep a string header or hash every value once more when the block is sent.
type cell interface {
	proto.ColInput
	add(e *session.Event)
	Reset()
}

// chained is what is sent without being copied once more.
const chained = 16 << 10

// send hands buf to w. It stays as it is until the block has been sent.
func send(w *proto.Writer, buf []byte) {
	if len(buf) >= chained {
		w.ChainWrite(buf)
		return
	}
	w.ChainBuffer(func(b *proto.Buffer) { b.Buf = append(b.Buf, buf...) })
}

// fixed is a column whose values have the same number of bytes: numbers, times, ids.
type fixed struct {
	typ   proto.ColumnType
	width int
	buf   []byte
	put   func(b []byte, e *session.Event) []byte
}

func (c *fixed) Type() proto.ColumnType       { return c.typ }
func (c *fixed) Rows() int                    { return len(c.buf) / c.width }
func (c *fixed) Reset()                       { c.buf = c.buf[:0] }
func (c *fixed) add(e *session.Event)         { c.buf = c.put(c.buf, e) }
func (c *fixed) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.buf...) }
func (c *fixed) WriteColumn(w *proto.Writer)  { send(w, c.buf) }

// texts are strings behind one another, each behind its length: String's own form.
type texts struct {
	buf []byte
	n   int
}

func (t *texts) put(s string) {
	t.buf = append(binary.AppendUvarint(t.buf, uint64(len(s))), s...)
	t.n++
}

func (t *texts) reset() {
	if cap(t.buf) > maxIdleBuffer {
		t.buf = nil
	}
	t.buf, t.n = t.buf[:0], 0
}

// maxIdleBuffer is what a column may keep for the next block: one record of many megabytes must not hold memory for ever.
const maxIdleBuffer = 4 << 20

// text is a String column.
type text struct {
	texts
	field func(*session.Event) *string
}

func (c *text) Type() proto.ColumnType       { return proto.ColumnTypeString }
func (c *text) Rows() int                    { return c.n }
func (c *text) Reset()                       { c.reset() }
func (c *text) add(e *session.Event)         { c.put(*c.field(e)) }
func (c *text) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.buf...) }
func (c *text) WriteColumn(w *proto.Writer)  { send(w, c.buf) }
