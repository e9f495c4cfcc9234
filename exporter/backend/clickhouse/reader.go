package clickhouse

import (
	"context"
	"errors"
	"iter"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ReadEvents reads every event in the order of the record ids, which begin with the time, each once, while others write. An event is valid
// until the next one; its strings may be kept. An error is the last that is yielded.
func ReadEvents(ctx context.Context, cfg Config) iter.Seq2[*session.Event, error] {
	return func(yield func(*session.Event, error) bool) {
		l := &serverConn{store: &store{cfg: cfg}}
		defer l.closeConn()
		if err := l.ensureConnected(ctx); err != nil {
			yield(nil, cfg.explainError("connecting", err))
			return
		}
		cells, results := eventTexts()
		var e session.Event
		err := l.conn.Query(ctx, "", "SELECT "+selectList()+" FROM "+cfg.prefixNames("session_events")+" FINAL ORDER BY record_id", results, func(rows int) error {
			for row := range rows {
				if err := decodeEvent(cells, row, &e); err != nil {
					return err
				}
				if !yield(&e, nil) {
					return errEnough
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, cfg.explainError("reading", err))
		}
	}
}

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
