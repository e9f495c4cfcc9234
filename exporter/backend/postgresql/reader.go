package postgresql

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Reader reads the events while they are written: neither waits for the other. It is not safe for concurrent use.
type Reader struct {
	store *store
	conn  *pgconn.PgConn
}

// OpenReader connects for reading.
func OpenReader(ctx context.Context, cfg Config) (*Reader, error) {
	s := &store{cfg: cfg, sql: cfg.statements()}
	conn, err := cfg.Connect(ctx, configpostgresql.Options{})
	if err != nil {
		return nil, cfg.explain("connecting", err)
	}
	if err := exec(ctx, conn, cfg.searchPath()); err != nil {
		logOut(conn)
		return nil, cfg.explain("connecting", err)
	}
	return &Reader{s, conn}, nil
}

// Close ends the reader.
func (r *Reader) Close() { logOut(r.conn) }

// Each hands every event to f in the order of the record ids, which begin with the time, as of one moment, until f fails. The
// event is valid until f returns; its strings may be kept.
func (r *Reader) Each(ctx context.Context, f func(*session.Event) error) error {
	var e session.Event
	err := eachRow(ctx, r.conn, r.store.sql.selects+" ORDER BY e.record_id", func(cells *row) error {
		if err := cells.event(&e); err != nil {
			return err
		}
		return f(&e)
	})
	return r.store.cfg.explain("reading", err)
}

// eachRow hands every row of a SELECT of all columns to f, until f fails.
func eachRow(ctx context.Context, conn *pgconn.PgConn, sql string, f func(*row) error) (err error) {
	results := conn.Exec(ctx, sql)
	defer func() { err = errors.Join(err, results.Close()) }()
	var cells row
	for results.NextResult() {
		rows := results.ResultReader()
		for rows.NextRow() {
			cells.cells = rows.Values()
			if err := f(&cells); err != nil {
				return err
			}
		}
	}
	return nil
}
