package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// A block is sent when it has this many rows or bytes.
const (
	blockRows  = 32 << 10
	blockBytes = 32 << 20

	rowOverhead = 256 // of what has a fixed size
)

type rowBlock struct {
	cells  []blockColumn
	hashes fixedColumn
	all    proto.Input // of session_events
	rows   int
	bytes  int
}

func newRowBlock() *rowBlock {
	b := &rowBlock{hashes: fixedColumn{typ: "FixedString(16)", width: 16}}
	for _, c := range eventColumns {
		one := c.write()
		b.cells = append(b.cells, one)
		b.all = append(b.all, proto.InputColumn{Name: c.name, Data: one})
	}
	b.all = append(b.all, proto.InputColumn{Name: "content_hash", Data: &b.hashes})
	return b
}

func (b *rowBlock) resetColumns() {
	for _, c := range b.cells {
		c.Reset()
	}
	b.hashes.Reset()
	b.rows, b.bytes = 0, 0
}

func (b *rowBlock) appendRow(e *session.Event, hash [16]byte) {
	for _, c := range b.cells {
		c.appendEvent(e)
	}
	b.hashes.buf = append(b.hashes.buf, hash[:]...)
	b.rows++
	b.bytes += rowOverhead + e.TextBytes()
}

func (b *rowBlock) isLargeEnough() bool { return b.rows >= blockRows || b.bytes >= blockBytes }
