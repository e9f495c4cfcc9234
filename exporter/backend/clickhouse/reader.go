package clickhouse

import (
	"context"
	"errors"
	"iter"

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
		decoder := newEventDecoder()
		var e session.Event
		err := l.conn.Query(ctx, "", cfg.statements().events+" ORDER BY record_id", decoder.results, func(rows int) error {
			for i := range rows {
				if decoder.decodeRow(i, &e); !yield(&e, nil) {
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

var errEnough = errors.New("the caller has read enough")
