package sqlite

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

// ReadEvents reads every event of a database in the order of arrival, as of one moment, while others write. Of cfg only path, table_prefix and
// busy_timeout count. An event is valid until the next one; its strings may be kept. An error is the last that is yielded.
func ReadEvents(ctx context.Context, cfg Config) iter.Seq2[*session.Event, error] {
	return func(yield func(*session.Event, error) bool) {
		conn, err := cfg.openReader(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = conn.Close() }()
		conn.SetInterrupt(ctx.Done())
		if err := cfg.scanEvents(ctx, conn, func(e *session.Event) bool { return yield(e, nil) }); err != nil {
			yield(nil, cfg.explainError("reading", err))
		}
	}
}

func (cfg *Config) scanEvents(ctx context.Context, conn *sqlite.Conn, yield func(*session.Event) bool) error {
	stmt, err := conn.Prepare(cfg.prefixNames("SELECT " + strings.Join(eventExpressions(), ", ") + " FROM session_events ORDER BY arrival"))
	if err != nil {
		return err
	}
	var e session.Event
	for {
		more, err := stmt.Step()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil || !more:
			return err
		}
		if err := decodeEvent(stmt, &e); err != nil {
			return err
		}
		if !yield(&e) {
			return nil
		}
	}
}

func decodeEvent(stmt *sqlite.Stmt, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		if c.read(e, stmt.ColumnText(i), stmt.ColumnIsNull(i)) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}

func eventExpressions() []string {
	all := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		all[i] = fmt.Sprintf(c.selects, c.name)
	}
	return all
}
