// Package testengine gives tests a real ClickHouse server.
//
//	s := testengine.ClickHouse(t)
//	s.Exec(t, "CREATE TABLE t (x Int8) ENGINE = Memory")
//	rows := s.Query(t, "SELECT user, type FROM system.session_log")
//
// Each call starts a server of its own in half a second, with native and HTTP listeners on free ports, the accounts of package
// server, and the three system logs session_log, query_log and opentelemetry_span_log. The test's clean-up ends it.
// SESSIONLOG_TEST_CLICKHOUSE points the same tests at a user's own server instead (external.go).
package testengine

import (
	"errors"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// Server is a running ClickHouse.
type Server struct {
	Native string // host:port of the native protocol
	HTTP   string // host:port of HTTP
	PID    int    // of the server's process; 0 when it is a user's own server

	admin    server.User
	own      *server.Server // nil when it is a user's own server
	settings settings
}

// ClickHouse starts a server, or hands out the one of SESSIONLOG_TEST_CLICKHOUSE. Without either the test is skipped, and fails
// where SESSIONLOG_REQUIRE_ENGINES is 1.
func ClickHouse(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	set := collect(options)
	if external, ok := externalFromEnv(tb); ok {
		external.applySettings(tb, set)
		return external
	}
	if set.Dir == "" {
		set.Dir = DataDir(tb)
	}
	own, err := server.Start(tb.Context(), set.Config)
	if errors.Is(err, engines.ErrMissing) {
		Missing(tb, "real ClickHouse", engineRemedy())
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := own.Close(); err != nil {
			tb.Errorf("end of ClickHouse: %v", err)
		}
	})
	return &Server{Native: own.Native, HTTP: own.HTTP, PID: own.PID, admin: server.Admin, own: own, settings: set}
}

func engineRemedy() string {
	if unsupported := engines.Supported(); unsupported != nil {
		return unsupported.Error()
	}
	return "run 'make engines'"
}

// Stop ends the server cleanly: its logs are flushed. Its ports refuse connections until Restart.
func (s *Server) Stop(tb testing.TB) {
	tb.Helper()
	s.requireDone(tb, "stopped", (*server.Server).Stop)
}

// Kill is kill -9: what the server has not flushed is lost.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	s.requireDone(tb, "killed", (*server.Server).Kill)
}

// Restart starts it again on the same ports and data, after a clean stop where it still runs. Options change what it was started
// with: another time zone, other columns of a log.
func (s *Server) Restart(tb testing.TB, options ...Option) {
	tb.Helper()
	for _, option := range options {
		option(&s.settings)
	}
	s.requireDone(tb, "restarted", func(own *server.Server) error { return own.Restart(tb.Context(), s.settings.Config) })
	s.PID = s.own.PID
}

func (s *Server) requireDone(tb testing.TB, done string, do func(*server.Server) error) {
	tb.Helper()
	if s.own == nil {
		skipExternal(tb, "the server would be "+done)
	}
	if err := do(s.own); err != nil {
		tb.Fatal(err)
	}
}
