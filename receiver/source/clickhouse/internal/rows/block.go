package rows

import (
	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Block is a block of rows in columns, as the server sends it, and one of its rows.
type Block struct {
	layout    *Layout
	asked     []rowColumn // for which there is a column in the layout
	micros    proto.ColInt64
	authIDs   proto.ColUUID
	types     proto.ColInt16
	addresses proto.ColIPv6
	ports     proto.ColUInt16
	userNulls proto.ColUInt8
	server    proto.ColUUID // of ServerSQL

	authTexts string // all auth_ids, 36 bytes each
	scratch   []byte
	row       clickhouselog.Row
}

func newBlock() *Block { return &Block{layout: &Layout{}, row: clickhouselog.Row{UserNull: true}} }

func (b *Block) prepareTexts() {
	b.scratch = b.scratch[:0]
	for _, id := range b.authIDs {
		b.scratch = session.ID(id).AppendText(b.scratch)
	}
	b.authTexts = string(b.scratch)
}

// Len is the number of rows.
func (b *Block) Len() int { return len(b.micros) }

// Micros is a row's time in microseconds since 1970 UTC.
func (b *Block) Micros(i int) int64 { return b.micros[i] }

// TypeNumber is what column type holds.
func (b *Block) TypeNumber(i int) int16 { return b.types[i] }

// AnsweredBy is the UUID of the server that has sent the block.
func (b *Block) AnsweredBy() string { return b.server[0].String() }

// Hash is the row's part of the sums.
func (b *Block) Hash(i int) uint64 {
	var port uint16
	if len(b.ports) > 0 {
		port = b.ports[i]
	}
	return rowHash(b.micros[i], b.authIDs[i], b.types[i], port)
}

// Row is valid until it is called again, its texts for ever.
func (b *Block) Row(i int) *clickhouselog.Row {
	b.row.Extra = b.row.Extra[:0]
	for _, c := range b.asked {
		c.fill(i)
	}
	return &b.row
}

// InOrder reports whether times never go back, from last on, and gives the last one of the block.
func (b *Block) InOrder(last int64) (now int64, ok bool) {
	for _, t := range b.micros {
		if t < last {
			return t, false
		}
		last = t
	}
	return last, true
}
