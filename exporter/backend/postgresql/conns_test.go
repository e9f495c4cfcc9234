package postgresql

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// keptConns are connections of tests that wait for the next question: each login is a new process of the server.
type keptConns struct {
	sync.Mutex
	idle map[string][]*pgconn.PgConn // by address, account and database
}

// handConns are those of whoever looks by hand, readerConns those of readers.
var handConns, readerConns = &keptConns{idle: map[string][]*pgconn.PgConn{}}, &keptConns{idle: map[string][]*pgconn.PgConn{}}

// startServer starts a server that spares whatever nobody looks at: the tables live as long as a test, and the log is not read.
func startServer(t testing.TB, options ...postgresql.Option) *postgresql.Server {
	for name, value := range map[string]string{"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "logging_collector": "off", "log_connections": "off", "log_disconnections": "off"} {
		options = append(options, postgresql.Setting(name, value))
	}
	server := postgresql.Start(t, options...)
	t.Cleanup(func() {
		for _, kept := range []*keptConns{handConns, readerConns} {
			kept.closeThoseOf(server.Address)
		}
	})
	return server
}

func (k *keptConns) closeThoseOf(address string) {
	k.Lock()
	defer k.Unlock()
	for key, conns := range k.idle {
		if len(key) > len(address) && key[:len(address)+1] == address+"/" {
			for _, conn := range conns {
				closeGracefully(conn)
			}
			delete(k.idle, key)
		}
	}
}

func keyOfAccount(cfg Config) string {
	return cfg.Endpoints[0] + "/" + cfg.Username + "/" + cfg.Database
}

// takeIdle is one that was kept, in the schema of cfg; nil where there is none.
func (k *keptConns) takeIdle(ctx context.Context, cfg Config) *pgconn.PgConn {
	key := keyOfAccount(cfg)
	k.Lock()
	var conn *pgconn.PgConn
	if n := len(k.idle[key]); n > 0 {
		conn = k.idle[key][n-1]
		k.idle[key] = k.idle[key][:n-1]
	}
	k.Unlock()
	if conn != nil && execStatements(ctx, conn, cfg.searchPath()) != nil {
		closeGracefully(conn)
		return nil
	}
	return conn
}

func (k *keptConns) keep(cfg Config, conn *pgconn.PgConn) {
	if conn.IsClosed() || conn.TxStatus() != 'I' {
		closeGracefully(conn)
		return
	}
	k.Lock()
	defer k.Unlock()
	k.idle[keyOfAccount(cfg)] = append(k.idle[keyOfAccount(cfg)], conn)
}

func (k *keptConns) take(t testing.TB, cfg Config) *pgconn.PgConn {
	t.Helper()
	if conn := k.takeIdle(t.Context(), cfg); conn != nil {
		return conn
	}
	conn, err := (&eventStore{cfg: cfg, log: nopLogger()}).openServerConn(t.Context())
	require.NoError(t, err)
	return conn
}

// keptReader keeps the connection of a reader.
type keptReader struct{ *queryStore }

func openKeptReader(ctx context.Context, cfg Config) (query.Store, error) {
	s := &queryStore{cfg: cfg, conn: readerConns.takeIdle(ctx, cfg)}
	if s.conn == nil {
		if err := s.connectReader(ctx); err != nil {
			return nil, err
		}
	}
	return keptReader{s}, nil
}

func (r keptReader) Close() error {
	readerConns.keep(r.cfg, r.conn)
	return nil
}
