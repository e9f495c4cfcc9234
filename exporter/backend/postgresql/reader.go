package postgresql

import (
	"context"
	"iter"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ReadEvents reads every event in the order of the record ids, which begin with the time, as of one moment, while others write. An event is
// valid until the next one; its strings may be kept. An error is the last that is yielded.
func ReadEvents(ctx context.Context, cfg Config) iter.Seq2[*session.Event, error] {
	return func(yield func(*session.Event, error) bool) {
		conn, err := cfg.Connect(ctx, configpostgresql.Options{})
		if err != nil {
			yield(nil, cfg.explainError("connecting", err))
			return
		}
		defer closeGracefully(conn)
		if err = execStatements(ctx, conn, cfg.searchPath()); err == nil {
			err = cfg.scanEvents(ctx, conn, func(e *session.Event) bool { return yield(e, nil) })
		}
		if err != nil {
			yield(nil, cfg.explainError("reading", err))
		}
	}
}

func (cfg *Config) scanEvents(ctx context.Context, conn *pgconn.PgConn, yield func(*session.Event) bool) error {
	results := conn.Exec(ctx, cfg.newStatements().selects+" ORDER BY record_id")
	var e session.Event
	for results.NextResult() {
		for rows := results.ResultReader(); rows.NextRow(); {
			if err := decodeEvent(rows.Values(), &e); err != nil {
				return err // the connection is closed with what it has not read
			}
			if !yield(&e) {
				return nil
			}
		}
	}
	return results.Close()
}

func decodeEvent(cells [][]byte, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		if c.read != nil && c.read(e, string(cells[i]), cells[i] == nil) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}
