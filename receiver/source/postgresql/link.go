package postgresql

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// link is one connection that is held: each new one would be a login in the very log that it reads. One goroutine uses it.
type link struct {
	cfg  Config
	conn *pgconn.PgConn
}

// queryLimit bounds a question; none takes long.
const queryLimit = time.Minute

// rows asks a question and gives the answer's cells, in the binary form where binary is set. The connection is made when it
// is needed and given up when it fails. Errors are of the kind [tail.ErrUnreachable].
func (l *link) rows(ctx context.Context, binary bool, sql string, arguments ...string) ([][][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	if l.conn == nil || l.conn.IsClosed() {
		conn, err := l.cfg.Connect(ctx, configpostgresql.Options{})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", tail.ErrUnreachable, err)
		}
		l.conn = conn
	}
	values := make([][]byte, len(arguments))
	for i, argument := range arguments {
		values[i] = []byte(argument)
	}
	var form []int16
	if binary {
		form = []int16{1}
	}
	result := l.conn.ExecParams(ctx, sql, values, nil, nil, form).Read()
	if result.Err != nil {
		return nil, fmt.Errorf("%w: %w", tail.ErrUnreachable, explain(result.Err, l.cfg))
	}
	return result.Rows, nil
}

// close says goodbye, so that the log has a logout.
func (l *link) close() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	_ = l.conn.Close(ctx)
	select { // a question that was broken off still has the driver tell the server so
	case <-l.conn.CleanupDone():
	case <-ctx.Done():
	}
	l.conn = nil
}

// closeLimit leaves Run time to return within the second of its contract.
const closeLimit = 300 * time.Millisecond

// explain names the remedy of what a newcomer meets, by the server's code.
func explain(err error, cfg Config) error {
	database := cfg.Database
	if database == "" {
		database = "of the account's name"
	}
	switch configpostgresql.Code(err) {
	case "42883", "3F000":
		return fmt.Errorf("the functions to read the log are not there: run install.sql as a superuser in the database %s: %w", database, err)
	case "42501":
		return fmt.Errorf("the account may not read the log: GRANT sessionlog_logs TO it in the database %s: %w", database, err)
	case "58P01":
		return fmt.Errorf("the server has no log folder: set logging_collector = on and restart it: %w", err)
	}
	return err
}

// settings are those that say what the log looks like. All are public.
type settings struct {
	destination, prefix, zone, collector, connections, disconnections, messages string
}

const settingsSQL = `SELECT current_setting('log_destination'), current_setting('log_line_prefix'), current_setting('log_timezone'),
current_setting('logging_collector'), current_setting('log_connections'), current_setting('log_disconnections'), current_setting('lc_messages')`

func (l *link) settings(ctx context.Context) (s settings, err error) {
	rows, err := l.rows(ctx, false, settingsSQL)
	if err != nil {
		return s, err
	}
	for i, field := range []*string{&s.destination, &s.prefix, &s.zone, &s.collector, &s.connections, &s.disconnections, &s.messages} {
		*field = string(rows[0][i])
	}
	return s, nil
}
