package rows

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"
)

// textColumn is a String column whose values are parts of one string a block: no allocation per value.
type textColumn struct {
	proto.ColStr
	all string
}

// maxReadAhead bounds what is made room for before it has come: a broken length must not take all memory, which ch-go would let it.
const maxReadAhead = 1 << 20

func (c *textColumn) DecodeColumn(r *proto.Reader, rows int) error {
	c.Reset()
	for range rows {
		missing, err := r.StrLen()
		if err != nil {
			return err
		}
		start := len(c.Buf)
		for missing > 0 {
			from, portion := len(c.Buf), min(missing, maxReadAhead)
			c.Buf = append(c.Buf, make([]byte, portion)...)
			if err := r.ReadFull(c.Buf[from:]); err != nil {
				return err
			}
			missing -= portion
		}
		c.Pos = append(c.Pos, proto.Position{Start: start, End: len(c.Buf)})
	}
	c.all = string(c.Buf)
	return nil
}

func (c *textColumn) valueAt(i int) string { return c.all[c.Pos[i].Start:c.Pos[i].End] }

// listColumn is an Array(String) column.
type listColumn struct {
	ends  proto.ColUInt64 // of each row's values
	texts textColumn
}

// maxElements bounds what a broken answer can make us allocate.
const maxElements = 100_000_000

var errOffsets = errors.New("array offsets are out of order")

func (c *listColumn) Type() proto.ColumnType { return "Array(String)" }
func (c *listColumn) Rows() int              { return len(c.ends) }

func (c *listColumn) Reset() {
	c.ends.Reset()
	c.texts.Reset()
}

func (c *listColumn) DecodeColumn(r *proto.Reader, rows int) error {
	if err := c.ends.DecodeColumn(r, rows); err != nil {
		return err
	}
	var last uint64
	for _, end := range c.ends {
		if end < last || end > maxElements {
			return errOffsets
		}
		last = end
	}
	return c.texts.DecodeColumn(r, int(last)) //nolint:gosec // bounded above
}

func (c *listColumn) appendTo(values []string, i int) []string {
	n := uint64(0)
	if i > 0 {
		n = c.ends[i-1]
	}
	for ; n < c.ends[i]; n++ {
		values = append(values, c.texts.valueAt(int(n))) //nolint:gosec // bounded by DecodeColumn
	}
	return values
}
