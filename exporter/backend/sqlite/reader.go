package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Reader reads a database while it is written: neither waits for the other. It is not safe for concurrent use.
type Reader struct {
	cfg  Config
	conn *sqlite.Conn
}

// OpenReader opens the file for reading. Only path, table_prefix and busy_timeout count.
func OpenReader(cfg Config) (*Reader, error) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, cfg.explain("opening", err)
	}
	conn.SetBusyTimeout(cfg.BusyTimeout)
	return &Reader{cfg: cfg, conn: conn}, nil
}

// Close ends the reader.
func (r *Reader) Close() error { return r.conn.Close() }

// Each hands every event to f in the order of arrival, as of one moment, until f fails. The event is valid until f returns;
// its strings may be kept.
func (r *Reader) Each(ctx context.Context, f func(*session.Event) error) error {
	r.conn.SetInterrupt(ctx.Done())
	defer r.conn.SetInterrupt(nil)
	stmt, err := r.conn.Prepare(r.cfg.selectSQL() + " ORDER BY arrival")
	if err != nil {
		return r.cfg.explain("reading", err)
	}
	defer func() { _ = stmt.Reset() }()
	var e session.Event
	cells := row{stmt: stmt}
	for {
		more, err := stmt.Step()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil || !more {
			return r.cfg.explain("reading", err)
		}
		if err := errors.Join(cells.event(&e)); err != nil {
			return err
		}
		if err := f(&e); err != nil {
			return err
		}
	}
}
