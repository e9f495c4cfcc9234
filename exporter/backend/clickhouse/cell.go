package clickhouse

import (
	"encoding/binary"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// blockColumn collects one column of a block in the form in which it is sent: nothing is allocated for a record, and sending copies
// bytes. ch-go's own columns keep a string header or hash every value once more when the block is sent.
type blockColumn interface {
	proto.ColInput
	appendEvent(e *session.Event)
	Reset()
}

// chainedBytes is what is sent without being copied once more.
const chainedBytes = 16 << 10

// sendBuffer hands buf to w. It stays as it is until the block has been sent.
func sendBuffer(w *proto.Writer, buf []byte) {
	if len(buf) >= chainedBytes {
		w.ChainWrite(buf)
		return
	}
	w.ChainBuffer(func(b *proto.Buffer) { b.Buf = append(b.Buf, buf...) })
}

// fixedColumn is a column whose values have the same number of bytes: numbers, times, ids.
type fixedColumn struct {
	typ   proto.ColumnType
	width int
	buf   []byte
	put   func(b []byte, e *session.Event) []byte
}

func (c *fixedColumn) Type() proto.ColumnType       { return c.typ }
func (c *fixedColumn) Rows() int                    { return len(c.buf) / c.width }
func (c *fixedColumn) Reset()                       { c.buf = c.buf[:0] }
func (c *fixedColumn) appendEvent(e *session.Event) { c.buf = c.put(c.buf, e) }
func (c *fixedColumn) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.buf...) }
func (c *fixedColumn) WriteColumn(w *proto.Writer)  { sendBuffer(w, c.buf) }

// textBuffer has strings one after another, each preceded by its length: String's own form.
type textBuffer struct {
	buf []byte
	n   int
}

func (t *textBuffer) appendText(s string) {
	t.buf = append(binary.AppendUvarint(t.buf, uint64(len(s))), s...)
	t.n++
}

func (t *textBuffer) resetBuffer() {
	if cap(t.buf) > maxIdleBuffer {
		t.buf = nil
	}
	t.buf, t.n = t.buf[:0], 0
}

// maxIdleBuffer is what a column may keep for the next block: one record of many megabytes must not hold memory for ever.
const maxIdleBuffer = 4 << 20

type textColumn struct {
	textBuffer
	field func(*session.Event) *string
}

func (c *textColumn) Type() proto.ColumnType       { return proto.ColumnTypeString }
func (c *textColumn) Rows() int                    { return c.n }
func (c *textColumn) Reset()                       { c.resetBuffer() }
func (c *textColumn) appendEvent(e *session.Event) { c.appendText(*c.field(e)) }
func (c *textColumn) EncodeColumn(b *proto.Buffer) { b.Buf = append(b.Buf, c.buf...) }
func (c *textColumn) WriteColumn(w *proto.Writer)  { sendBuffer(w, c.buf) }
