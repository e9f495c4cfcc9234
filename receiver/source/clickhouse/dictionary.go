package clickhouse

import (
	"github.com/ClickHouse/ch-go/proto"
)

// words are the values of a dictionary, parts of one string.
type words struct {
	proto.ColStr
	all string
}

func (c *words) share() { c.all = string(c.Buf) }

func (c *words) at(i int) string {
	p := c.Pos[i]
	return c.all[p.Start:p.End]
}

// dictionary is a LowCardinality(String) column: each distinct value of a block becomes a string once.
type dictionary struct {
	raw    proto.ColLowCardinalityRaw
	index  words
	values []string
	rows   int // ch-go's own count allocates
}

func newDictionary() *dictionary {
	d := &dictionary{}
	d.raw.Index = &d.index.ColStr
	return d
}

func (d *dictionary) Type() proto.ColumnType            { return d.raw.Type() }
func (d *dictionary) DecodeState(r *proto.Reader) error { return d.raw.DecodeState(r) }
func (d *dictionary) Rows() int                         { return d.rows }

func (d *dictionary) Reset() {
	d.raw.Reset()
	d.rows = 0
}

func (d *dictionary) DecodeColumn(r *proto.Reader, rows int) error {
	d.rows = rows
	return d.raw.DecodeColumn(r, rows)
}

func (d *dictionary) share() {
	d.index.share()
	d.values = d.values[:0]
	for i := range d.index.Pos {
		d.values = append(d.values, d.index.at(i))
	}
}

func (d *dictionary) at(i int) string {
	switch d.raw.Key {
	case proto.KeyUInt8:
		return d.values[d.raw.Keys8[i]]
	case proto.KeyUInt16:
		return d.values[d.raw.Keys16[i]]
	case proto.KeyUInt32:
		return d.values[d.raw.Keys32[i]]
	default:
		return d.values[d.raw.Keys64[i]]
	}
}

// inRange makes sure that no key points outside the dictionary, which at would otherwise panic of.
func (d *dictionary) inRange() bool {
	n := uint64(len(d.values))
	return below(d.raw.Keys8, n) && below(d.raw.Keys16, n) && below(d.raw.Keys32, n) && below(d.raw.Keys64, n)
}

// first is the value of a block's first row; the block need not have been shared.
func (d *dictionary) first() (string, error) {
	d.share()
	if d.rows == 0 || !d.inRange() {
		return "", errDictionary
	}
	return d.at(0), nil
}

func below[T ~uint8 | ~uint16 | ~uint32 | ~uint64](keys []T, n uint64) bool {
	var most T
	for _, k := range keys {
		most = max(most, k)
	}
	return len(keys) == 0 || uint64(most) < n
}

// lists is an Array(LowCardinality(String)) column.
type lists struct {
	offsets proto.ColUInt64
	items   *dictionary
	values  []string // of all rows, one behind the other
}

func newLists() *lists { return &lists{items: newDictionary()} }

func (c *lists) Type() proto.ColumnType            { return proto.ColumnTypeArray.Sub(c.items.Type()) }
func (c *lists) Rows() int                         { return c.offsets.Rows() }
func (c *lists) DecodeState(r *proto.Reader) error { return c.items.DecodeState(r) }

func (c *lists) Reset() {
	c.offsets.Reset()
	c.items.Reset()
}

func (c *lists) DecodeColumn(r *proto.Reader, rows int) error {
	n, err := decodeOffsets(r, &c.offsets, rows)
	if err != nil {
		return err
	}
	return c.items.DecodeColumn(r, n)
}

func (c *lists) share() {
	c.items.share()
	c.values = c.values[:0]
	for i := range elements(c.offsets) {
		c.values = append(c.values, c.items.at(i))
	}
}

func (c *lists) at(i int) []string {
	from, to := span(c.offsets, i)
	return c.values[from:to]
}

func elements(offsets proto.ColUInt64) int {
	if len(offsets) == 0 {
		return 0
	}
	return int(offsets[len(offsets)-1]) //nolint:gosec // decodeOffsets has checked it
}

func span(offsets proto.ColUInt64, i int) (from, to int) {
	if i > 0 {
		from = int(offsets[i-1]) //nolint:gosec // decodeOffsets has checked it
	}
	return from, int(offsets[i]) //nolint:gosec // decodeOffsets has checked it
}
