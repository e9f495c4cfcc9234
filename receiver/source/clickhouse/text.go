package clickhouse

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/ClickHouse/ch-go/proto"
)

// textColumn is a String column whose values are parts of one string a block: no allocation per value. It decodes by
// itself because proto.ColStr asks the reader twice for each value, which costs more than all else about it.
type textColumn struct {
	raw    []byte // as received: each value behind its length
	values []extent
	all    string
}

// extent is where a value stands.
type extent struct{ from, to uint32 }

// maxReadAhead bounds what is made room for before it has come: a broken length must not take all memory.
const maxReadAhead = 1 << 20

var errText = errors.New("the length of a text is out of range")

func (c *textColumn) Type() proto.ColumnType { return proto.ColumnTypeString }
func (c *textColumn) Rows() int              { return len(c.values) }
func (c *textColumn) Reset()                 { c.raw, c.values = c.raw[:0], c.values[:0] }

// DecodeColumn reads the column in few, large portions. None reaches into the next column, since each value that is still
// to come has at least the byte of its length.
func (c *textColumn) DecodeColumn(r *proto.Reader, rows int) error {
	c.Reset()
	c.values = slices.Grow(c.values, rows)
	for at := 0; len(c.values) < rows; {
		size, n := binary.Uvarint(c.raw[at:])
		if n < 0 || size > math.MaxUint32 || uint64(at+n)+size > math.MaxUint32 {
			return errText
		}
		end := at + n + int(size) //nolint:gosec // checked above
		if n > 0 && end <= len(c.raw) {
			c.values = append(c.values, extent{uint32(at + n), uint32(end)}) //nolint:gosec // checked above
			at = end
			continue
		}
		missing := end - len(c.raw)
		if n == 0 {
			missing = 1 // of the length
		}
		have, more := len(c.raw), min(missing+rows-len(c.values)-1, maxReadAhead)
		c.raw = slices.Grow(c.raw, more)[:have+more]
		if err := r.ReadFull(c.raw[have:]); err != nil {
			return err
		}
	}
	return nil
}

// share makes the values ready; call it once a block.
func (c *textColumn) share() { c.all = string(c.raw) }

func (c *textColumn) at(i int) string {
	p := c.values[i]
	return c.all[p.from:p.to]
}

// nullableText is a Nullable(String) column.
type nullableText struct {
	nulls proto.ColUInt8
	text  textColumn
}

func (c *nullableText) Type() proto.ColumnType { return "Nullable(String)" }
func (c *nullableText) Rows() int              { return c.nulls.Rows() }

func (c *nullableText) Reset() {
	c.nulls.Reset()
	c.text.Reset()
}

func (c *nullableText) DecodeColumn(r *proto.Reader, rows int) error {
	if err := c.nulls.DecodeColumn(r, rows); err != nil {
		return err
	}
	return c.text.DecodeColumn(r, rows)
}
