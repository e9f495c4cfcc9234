package clickhouse

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Reader reads the events while they are written: neither waits for the other. It is not safe for concurrent use.
type Reader struct{ link *link }

// OpenReader makes a reader; it connects when something is asked.
func OpenReader(cfg Config) *Reader {
	return &Reader{&link{store: &store{cfg: cfg, sql: cfg.statements()}}}
}

// Close ends the reader.
func (r *Reader) Close() { r.link.close() }

// Each hands every event to f in the order of the record ids, which begin with the time, each once, until f fails. The event is valid
// until f returns; its strings may be kept.
func (r *Reader) Each(ctx context.Context, f func(*session.Event) error) error {
	if err := r.link.connect(ctx); err != nil {
		return r.link.cfg.explain("connecting", err)
	}
	decoder := newRows()
	var e session.Event
	err := r.link.conn.Query(ctx, "", r.link.sql.stored+" ORDER BY record_id", decoder.results, func(rows int) error {
		for i := range rows {
			decoder.fill(i, &e)
			if err := f(&e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		r.link.close()
	}
	return r.link.cfg.explain("reading", err)
}
