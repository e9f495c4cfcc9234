package clickhouse

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

func eventTexts() ([]*proto.ColNullable[string], proto.Results) {
	return textColumns(len(eventColumns), func(i int) string { return textAlias(eventColumns[i].name) })
}

func textColumns(n int, name func(i int) string) ([]*proto.ColNullable[string], proto.Results) {
	columns, results := make([]*proto.ColNullable[string], n), make(proto.Results, n)
	for i := range columns {
		columns[i] = proto.NewColNullable(&proto.ColStr{})
		results[i] = proto.ResultColumn{Name: name(i), Data: columns[i]}
	}
	return columns, results
}

func decodeEvent(cells []*proto.ColNullable[string], row int, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		cell := cells[i].Row(row)
		if c.read(e, cell.Value, !cell.Set) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}

var errEnough = errors.New("the caller has read enough")
