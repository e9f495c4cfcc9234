package clickhouse

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

func eventTexts() ([]*textCells, proto.Results) {
	return textColumns(len(eventColumns), func(i int) string { return textAlias(eventColumns[i].name) })
}

func textColumns(n int, name func(i int) string) ([]*textCells, proto.Results) {
	columns, results := make([]*textCells, n), make(proto.Results, n)
	for i := range columns {
		columns[i] = newTextCells()
		results[i] = proto.ResultColumn{Name: name(i), Data: columns[i]}
	}
	return columns, results
}

// textCells takes texts as the server has them: a cast of each column of an event is most of what it costs to plan a question for it.
type textCells struct {
	proto.ColResult
	plain    *proto.ColStr
	nullable *proto.ColNullable[string]
	numbered *proto.ColLowCardinality[string]
}

func newTextCells() *textCells {
	plain := new(proto.ColStr)
	return &textCells{plain, plain, proto.NewColNullable(plain), plain.LowCardinality()}
}

// Infer implements [proto.Inferable].
func (c *textCells) Infer(t proto.ColumnType) error {
	switch t {
	case c.nullable.Type():
		c.ColResult = c.nullable
	case c.numbered.Type():
		c.ColResult = c.numbered
	default:
		c.ColResult = c.plain
	}
	return nil
}

func (c *textCells) DecodeState(r *proto.Reader) error {
	if c.ColResult == c.numbered {
		return c.numbered.DecodeState(r)
	}
	return nil
}

func (c *textCells) textAt(row int) (text string, isNull bool) {
	switch c.ColResult {
	case c.nullable:
		return c.plain.Row(row), c.nullable.IsElemNull(row)
	case c.numbered:
		return c.numbered.Row(row), false
	}
	return c.plain.Row(row), false
}

func decodeEvent(cells []*textCells, row int, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		if text, isNull := cells[i].textAt(row); c.read(e, text, isNull) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}

var errEnough = errors.New("the caller has read enough")
