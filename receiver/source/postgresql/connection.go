package postgresql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// logConnection is one connection that is held: each new one would be a login in the very log that it reads. One goroutine uses it.
type logConnection struct {
	cfg    Config
	now    func() time.Time
	conn   *pgconn.PgConn
	opened time.Time // when conn was made
}

func (l *logConnection) closeIfOlder(age time.Duration) {
	// A session does not see that log_connections and log_disconnections were changed.
	if l.conn != nil && l.now().Sub(l.opened) >= age {
		l.closeConnection()
	}
}

// queryLimit bounds a question; none takes long.
const queryLimit = time.Minute

// queryRows asks a question and gives the answer's cells, in the binary form where binary is set. The connection is made when it
// is needed and given up when it fails. Errors are of the kind [tail.ErrUnreachable].
func (l *logConnection) queryRows(ctx context.Context, binary bool, sql string, arguments ...string) ([][][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryLimit)
	defer cancel()
	if l.conn == nil || l.conn.IsClosed() {
		conn, err := l.cfg.Connect(ctx, configpostgresql.Options{})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", tail.ErrUnreachable, err)
		}
		l.conn, l.opened = conn, l.now()
		if err := l.refuseRedshift(ctx); err != nil {
			l.closeConnection()
			return nil, fmt.Errorf("%w: %w", tail.ErrUnreachable, err)
		}
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
		return nil, fmt.Errorf("%w: %w", tail.ErrUnreachable, explainQueryError(result.Err, l.cfg))
	}
	return result.Rows, nil
}

var errRedshift = errors.New("endpoints: this server is Amazon Redshift, which has no log files to read: write the block `redshift` in place of `postgresql`")

func (l *logConnection) refuseRedshift(ctx context.Context) error {
	results, err := l.conn.Exec(ctx, "SELECT version()").ReadAll()
	if err != nil {
		return err
	}
	if len(results) > 0 && len(results[0].Rows) > 0 && strings.Contains(string(results[0].Rows[0][0]), "Redshift") { // it speaks PostgreSQL's protocol
		return errRedshift
	}
	return nil
}

func (l *logConnection) closeConnection() {
	if l.conn == nil {
		return
	}
	configpostgresql.CloseWithin(l.conn, closeLimit)
	l.conn = nil
}

// closeLimit leaves Run time to return within the second of its contract.
const closeLimit = 300 * time.Millisecond

func explainQueryError(err error, cfg Config) error {
	database := cfg.Database
	if database == "" {
		database = "of the account's name"
	}
	switch configpostgresql.SQLState(err) {
	case "42883", "3F000":
		return fmt.Errorf("the functions to read the log are not there: run install.sql as a superuser in the database %s: %w", database, err)
	case "42501":
		return fmt.Errorf("the account may not read the log: GRANT sessionlog_logs TO it in the database %s: %w", database, err)
	case "42704":
		return fmt.Errorf("endpoints: the server does not know a setting that every PostgreSQL has: is it another system that speaks its protocol?: %w", err)
	case "58P01":
		return fmt.Errorf("the server has no log folder: set logging_collector = on and restart it: %w", err)
	}
	return err
}
