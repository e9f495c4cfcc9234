package postgresql

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
)

const (
	// idleTrust is how long a connection that nobody used is believed to be alive.
	idleTrust = time.Second
	// commitTimeout bounds a commit, which no caller interrupts.
	commitTimeout = time.Minute
)

const (
	encodingUTF8   = "UTF8"
	remedyEncoding = "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it under database"
)

// serverConn is a connection, made when it is first wanted and made anew when it broke.
type serverConn struct {
	*eventStore
	conn *pgconn.PgConn
	rows copyBatch
	used time.Time
	// breaks is how many connections had broken when this one was last seen to be sound: they tend to break together.
	breaks int64
	// repeats is set where the last batch held records that were there already.
	repeats bool
}

func newServerConn(s *eventStore) *serverConn {
	return &serverConn{eventStore: s}
}

func (l *serverConn) ensureConnected(ctx context.Context) error {
	if l.conn != nil && (time.Since(l.used) > idleTrust || l.breaks != l.eventStore.breaks.Load()) {
		if err := execStatements(ctx, l.conn, "SELECT 1"); err != nil {
			l.closeConn()
		}
	}
	l.breaks = l.eventStore.breaks.Load()
	if l.conn != nil {
		return nil
	}
	conn, err := l.openServerConn(ctx)
	if err != nil {
		return err
	}
	l.conn = conn
	return nil
}

// withPooledConn lends a connection of the writers.
func (s *eventStore) withPooledConn(ctx context.Context, do func(context.Context, *pgconn.PgConn) error) error {
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) (err error) {
		if err = l.ensureConnected(ctx); err == nil {
			err = do(ctx, l.conn)
		}
		if err != nil {
			l.rollbackOrClose()
		}
		return err
	})
}

func (l *serverConn) rollbackOrClose() {
	if l.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if l.conn.IsClosed() || execStatements(ctx, l.conn, "ROLLBACK") != nil {
		l.eventStore.breaks.Add(1)
		l.closeConn()
	}
}

func (l *serverConn) closeConn() {
	if l.conn != nil {
		closeGracefully(l.conn)
		l.conn = nil
	}
}

// openServerConn logs in. What a session needs is set by statements, for connection poolers take few parameters at a login.
func (s *eventStore) openServerConn(ctx context.Context) (*pgconn.PgConn, error) {
	conn, err := s.cfg.Connect(ctx, configpostgresql.Options{Writes: true})
	if err != nil {
		return nil, err
	}
	if err = s.checkServer(conn); err == nil {
		err = execStatements(ctx, conn, s.cfg.searchPath()+"; "+forceSynchronousCommit)
	}
	if err != nil {
		closeGracefully(conn)
		return nil, err
	}
	return conn, nil
}

// searchPath lets unqualified names find our tables.
func (cfg *Config) searchPath() string {
	if cfg.Schema == "" {
		return ""
	}
	return "SET search_path TO " + cfg.Schema
}

// forceSynchronousCommit leaves alone what is stronger than on, such as waiting for a standby.
const forceSynchronousCommit = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

func (s *eventStore) warnOfServer(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := queryRows(ctx, conn, "SELECT current_setting('fsync'), current_setting('server_encoding')")
	if err != nil {
		return err
	}
	if encoding := rows[0][1]; encoding != encodingUTF8 {
		s.log.Warn("the database is not in UTF8: records with characters that its encoding lacks go into the dead letter; "+remedyEncoding, zap.String("encoding", encoding))
	}
	if rows[0][0] == "off" { // no session can change it
		s.log.Warn("the server runs with fsync = off: what it commits does not survive a loss of power; set fsync = on in its postgresql.conf")
	}
	return nil
}

func closeGracefully(conn *pgconn.PgConn) { configpostgresql.CloseWithin(conn, time.Second) }

// execStatements runs statements that give no rows; of an empty text, nothing.
func execStatements(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	_, err := execCounting(ctx, conn, sql)
	return err
}

func execCounting(ctx context.Context, conn *pgconn.PgConn, sql string) (n int64, err error) {
	if sql == "" {
		return 0, nil
	}
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[len(results)-1].CommandTag.RowsAffected(), nil
}

// queryRows runs one statement that gives few rows, with NULL as an empty text.
func queryRows(ctx context.Context, conn *pgconn.PgConn, sql string) ([][]string, error) {
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 {
		return nil, errors.New("postgresql: not one result")
	}
	var rows [][]string
	for _, r := range results[0].Rows {
		cells := make([]string, len(r))
		for i := range r {
			cells[i] = string(r[i])
		}
		rows = append(rows, cells)
	}
	return rows, nil
}
