package redshift

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
)

// heldConnection stays open between polls: each login is two more rows in the log.
type heldConnection struct {
	conn *pgconn.PgConn // nil when there is none
}

// readBufferBytes holds some hundred rows.
const readBufferBytes = 128 << 10

// closeTimeout is short because a source has a second to stop.
const closeTimeout = 500 * time.Millisecond

// sessionSettings override those of the account (ALTER USER ... SET timezone).
const sessionSettings = "SET datestyle TO ISO; SET timezone TO 'UTC'"

func (l *heldConnection) ensureConnected(ctx context.Context, cfg configpostgresql.ClientConfig) error {
	if l.conn != nil {
		return nil
	}
	conn, err := cfg.Connect(ctx, configpostgresql.Options{ReadBuffer: readBufferBytes})
	if err != nil {
		return err
	}
	l.conn = conn
	if err := l.streamQuery(ctx, sessionSettings, nil, nil); err != nil {
		l.closeConnection()
		return err
	}
	return nil
}

func (l *heldConnection) closeConnection() {
	if l.conn == nil {
		return
	}
	configpostgresql.CloseWithin(l.conn, closeTimeout)
	l.conn = nil
}

// streamQuery runs a statement over the simple protocol and calls row for each row as it arrives; its cells are valid until row
// returns, NULL is nil. There is no cursor: Redshift materialises the whole result of one on the leader node, and keeps a
// transaction open meanwhile ("DECLARE: Performance considerations when using cursors").
func (l *heldConnection) streamQuery(ctx context.Context, sql string, columns func([]pgconn.FieldDescription), row func(cells [][]byte) error) error {
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
				l.closeConnection() // else the rest of the result would have to be read
				return err
			}
		}
	}
	err := results.Close()
	var serverError *pgconn.PgError
	if err != nil && (!errors.As(err, &serverError) || l.conn.IsClosed()) {
		l.closeConnection()
	}
	return err
}
