package redshift

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
)

// link is a held connection: each login would be two rows more in the log.
type link struct {
	conn *pgconn.PgConn // nil when there is none
}

// readBuffer holds some hundred rows.
const readBuffer = 128 << 10

// goodbye bounds the end of a connection: a source has a second to stop.
const goodbye = 500 * time.Millisecond

// settings make times plain: UTC, in ISO's order. An account may come with others (ALTER USER ... SET timezone).
const settings = "SET datestyle TO ISO; SET timezone TO 'UTC'"

func (l *link) connect(ctx context.Context, cfg configpostgresql.ClientConfig) error {
	if l.conn != nil {
		return nil
	}
	conn, err := cfg.Connect(ctx, configpostgresql.Options{ReadBuffer: readBuffer})
	if err != nil {
		return err
	}
	l.conn = conn
	if err := l.query(ctx, settings, nil, nil); err != nil {
		l.hangUp()
		return err
	}
	return nil
}

func (l *link) hangUp() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_ = l.conn.Close(ctx)
	select { // a connection that was cut off within a query cancels that first
	case <-l.conn.CleanupDone():
	case <-ctx.Done():
	}
	l.conn = nil
}

// query runs a statement over the simple protocol and gives each row while it arrives: nothing is held but that row, whose
// cells are the driver's again when the callback returns. NULL is nil. A plain SELECT is streamed as well as a cursor
// would be, without its costs: Redshift materialises the whole result of a cursor on the leader node, and keeps a
// transaction open meanwhile ("DECLARE: Performance considerations when using cursors").
func (l *link) query(ctx context.Context, sql string, columns func([]pgconn.FieldDescription), row func(cells [][]byte) error) error {
	results := l.conn.Exec(ctx, sql)
	for results.NextResult() {
		rows := results.ResultReader()
		if columns != nil {
			columns(rows.FieldDescriptions())
		}
		for rows.NextRow() {
			if row == nil {
				continue
			}
			if err := row(rows.Values()); err != nil {
				l.hangUp() // the rest of the answer would have to be read before anything else can be asked
				return err
			}
		}
	}
	err := results.Close()
	var word *pgconn.PgError
	if err != nil && (!errors.As(err, &word) || l.conn.IsClosed()) {
		l.hangUp()
	}
	return err
}
