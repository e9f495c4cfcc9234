package clickhouse

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/session"
)

// settings is the column of that name, Array(Tuple(LowCardinality(String), String)).
type settings struct {
	offsets proto.ColUInt64
	names   *dictionary
	values  textColumn
	all     []session.Setting // of all rows, one behind the other
}

const settingsType = "Array(Tuple(LowCardinality(String), String))"

func newSettings() *settings { return &settings{names: newDictionary()} }

func (c *settings) Type() proto.ColumnType            { return settingsType }
func (c *settings) Rows() int                         { return c.offsets.Rows() }
func (c *settings) DecodeState(r *proto.Reader) error { return c.names.DecodeState(r) }

func (c *settings) Reset() {
	c.offsets.Reset()
	c.names.Reset()
	c.values.Reset()
}

func (c *settings) DecodeColumn(r *proto.Reader, rows int) error {
	n, err := decodeOffsets(r, &c.offsets, rows)
	if err != nil {
		return err
	}
	if err := c.names.DecodeColumn(r, n); err != nil {
		return err
	}
	return c.values.DecodeColumn(r, n)
}

func (c *settings) share() {
	c.names.share()
	c.values.share()
	c.all = c.all[:0]
	for i := range elements(c.offsets) {
		c.all = append(c.all, session.Setting{Name: c.names.at(i), Value: c.values.at(i)})
	}
}

func (c *settings) at(i int) []session.Setting {
	from, to := span(c.offsets, i)
	return c.all[from:to]
}

// maxElements bounds what a broken answer can make us allocate.
const maxElements = 100_000_000

// decodeOffsets reads the ends of a block's arrays and returns the number of their elements.
func decodeOffsets(r *proto.Reader, offsets *proto.ColUInt64, rows int) (int, error) {
	if err := offsets.DecodeColumn(r, rows); err != nil {
		return 0, err
	}
	var last uint64
	for _, end := range *offsets {
		if end < last || end > maxElements {
			return 0, errors.New("array offsets are out of order")
		}
		last = end
	}
	return int(last), nil
}
