// Package postgresql gives tests a real PostgreSQL server, 15 or 18.
//
//	s := postgresql.Start(t, postgresql.Version(15))
//	s.Exec(t, "CREATE TABLE t (x int)")
//	pool, err := pgxpool.New(ctx, s.DSN(server.Alice.Name, server.Alice.Password, server.AppDB))
//
// Each call starts a server of its own in about a third of a second: roles and databases of package server, connections logged in all three
// formats, TLS for those who ask. The test's clean-up ends it; one that is killed takes it along.
package postgresql

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// Server is a running PostgreSQL.
type Server struct {
	Address   string // host:port
	SocketDir string // of its Unix-domain socket, to be given as the host
	PID       int    // of the postmaster

	own      *server.Server
	settings server.Config
}

// Start starts a server. Where PostgreSQL is not installed the test is skipped, and fails where SESSIONLOG_REQUIRE_ENGINES is 1.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	config := collect(options)
	if config.Dir == "" {
		config.Dir = testengine.DataDir(tb)
	}
	own, err := server.Start(tb.Context(), config)
	if errors.Is(err, engines.ErrMissing) {
		remedy := "run 'make engines'"
		if unsupported := engines.Supported(); unsupported != nil {
			remedy = unsupported.Error()
		}
		testengine.Missing(tb, "real PostgreSQL", remedy)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := own.Close(); err != nil {
			tb.Errorf("end of PostgreSQL: %v", err)
		}
	})
	return &Server{Address: own.Address, SocketDir: own.SocketDir, PID: own.PID, own: own, settings: config}
}

// DSN is a connection URL over TCP without TLS; options are further parameters in pairs: "application_name", "etl".
func (s *Server) DSN(user, password, database string, options ...string) string {
	return s.own.DSN(user, password, database, options...)
}

// DSNWithTLS is a connection URL over TCP with the server's certificate verified, and Grace's shown to who asks for one.
func (s *Server) DSNWithTLS(user, password, database string, options ...string) string {
	files := s.own.TLS()
	return s.own.DSN(user, password, database, append([]string{
		"sslmode", "verify-full", "sslrootcert", files.CA, "sslcert", files.Cert, "sslkey", files.Key,
	}, options...)...)
}

// TLS names the files that a client with TLS needs.
func (s *Server) TLS() server.TLSFiles { return s.own.TLS() }

// ServerTLS is the server's own certificate, for a proxy of the test's in front of it.
func (s *Server) ServerTLS() (*tls.Config, error) { return s.own.ServerTLS() }

// Logins makes logins of all kinds into this server.
func (s *Server) Logins(tb testing.TB) *logins.Client {
	tb.Helper()
	c, err := logins.New(s.Address, s.SocketDir, s.own.TLS())
	must(tb, err)
	return c
}

// Stop ends the server cleanly: sessions are ended with FATAL 57P01. Its port refuses connections until Restart.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	must(tb, s.own.Stop())
}

// Kill is kill -9: no disconnection is logged, and the next start recovers.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	must(tb, s.own.Kill())
}

// Restart starts it again on the same port and data, after a clean stop where it still runs. Options change what it was started with.
func (s *Server) Restart(tb testing.TB, options ...Option) {
	tb.Helper()
	for _, option := range options {
		option(&s.settings)
	}
	must(tb, s.own.Restart(tb.Context(), s.settings))
	s.PID = s.own.PID
}

// Freeze stops all its processes in their tracks: a client sees a server that hangs. Thaw ends it.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	must(tb, s.own.Freeze())
}

// Thaw ends a Freeze.
func (s *Server) Thaw(tb testing.TB) {
	tb.Helper()
	must(tb, s.own.Thaw())
}

// Exec runs statements as the superuser on the database postgres; the test fails when the server refuses one. They come over the Unix
// socket: the log shows each call as a login of server.Admin from [local], which no other client is.
func (s *Server) Exec(tb testing.TB, sql string) {
	tb.Helper()
	_ = s.Query(tb, sql)
}

// ExecIn is Exec on another database.
func (s *Server) ExecIn(tb testing.TB, database, sql string) {
	tb.Helper()
	_ = s.QueryIn(tb, database, sql)
}

// Query is Exec with the last statement's answer, each cell as text, NULL as server.Null.
func (s *Server) Query(tb testing.TB, sql string) [][]string {
	tb.Helper()
	return s.QueryIn(tb, server.PostgresDB, sql)
}

// QueryIn is Query on another database.
func (s *Server) QueryIn(tb testing.TB, database, sql string) [][]string {
	tb.Helper()
	rows, err := s.own.QueryIn(tb.Context(), database, sql)
	must(tb, err)
	return rows
}

// TryQuery is Query for those who expect an error.
func (s *Server) TryQuery(ctx context.Context, sql string) ([][]string, error) {
	return s.own.Query(ctx, sql)
}

// TryQueryIn is TryQuery on another database.
func (s *Server) TryQueryIn(ctx context.Context, database, sql string) ([][]string, error) {
	return s.own.QueryIn(ctx, database, sql)
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
