// Package server starts a real ClickHouse server as a child process: for tests (package testengine) and for the demo.
package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/child"
	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

const startLimit = 90 * time.Second // a cold 540 MiB library on a busy disk; warm it takes half a second

var loopback = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)

// Server is a ClickHouse server on loopback with ports of its own. It is not safe for concurrent use.
type Server struct {
	Native string // host:port of the native protocol
	HTTP   string // host:port of HTTP
	PID    int    // of the running process; another one after Restart

	config       Config
	library      string
	launcher     string
	reservations []*port.Reservation
	process      *process
	member       *member // nil for a server of its own
}

// Start starts a server and waits until both its listeners answer. Close ends it. The error wraps engines.ErrMissing when the engine
// is not installed, and carries the end of the server's log when it did not come up.
func Start(ctx context.Context, config Config) (*Server, error) {
	s, err := prepare(ctx, config, nil)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare finds the programs and reserves the ports of a server that is to be started.
func prepare(ctx context.Context, config Config, m *member) (*Server, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{config: config, member: m}
	var err error
	if s.library, err = engines.ClickHouse.Find(); err != nil {
		return nil, err
	}
	if s.launcher, err = launcher(); err != nil {
		return nil, err
	}
	if err := s.reserve(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) reserve(ctx context.Context) error {
	native, err := port.Reserve(ctx, loopback)
	if err != nil {
		return err
	}
	s.reservations = append(s.reservations, native)
	var web *port.Reservation
	if s.member == nil {
		web, err = port.Reserve(ctx, loopback)
	} else {
		var interserver *port.Reservation
		if web, interserver, err = reserveTwin(ctx); err == nil {
			s.reservations = append(s.reservations, interserver)
		}
	}
	if err != nil {
		return err
	}
	s.reservations = append(s.reservations, web)
	s.Native, s.HTTP = native.Addr().String(), web.Addr().String()
	return nil
}

func (s *Server) start(ctx context.Context) error {
	if err := s.config.write(s.member); err != nil {
		return fmt.Errorf("configuration of the server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	args := []string{
		"-library", s.library, "-dir", s.config.dataDir(), "-config", s.config.configFile(),
		"-native-port", portOf(s.Native), "-http-port", portOf(s.HTTP),
		"-log", s.config.logFile(), "-log-level", s.config.LogLevel, "-until-stdin-closes",
	}
	if s.member != nil {
		args = append(args, "-interserver", interserverHost)
	}
	if s.member != nil && !s.config.NoReplication {
		args = append(args, "-ddl-queue", ddlQueue)
	}
	cmd := exec.Command(s.launcher, args...) //nolint:gosec,noctx // our own binary; it outlives ctx, which bounds the start alone
	cmd.Env = append(os.Environ(), "TZ="+s.config.Timezone)
	cmd.Dir = s.config.Dir
	p, err := startProcess(ctx, cmd, s.config.errorFile())
	if err != nil {
		return fmt.Errorf("start ClickHouse: %w%s", err, child.Tails(s.config.errorFile(), s.config.logFile()))
	}
	s.process, s.PID = p, cmd.Process.Pid
	return nil
}

// Config is what the server was started with, defaults filled in.
func (s *Server) Config() Config { return s.config }

// Stop ends the server cleanly: it flushes its logs and says goodbye to its clients.
func (s *Server) Stop() error { return s.process.stop() }

// Kill is kill -9: what was not flushed is lost.
func (s *Server) Kill() error { return s.process.kill() }

// Restart starts the stopped or killed server again on its data and ports, with config in place of the former one (its Dir aside).
// A server that runs is stopped cleanly first.
func (s *Server) Restart(ctx context.Context, config Config) error {
	config.Dir = s.config.Dir
	if err := config.setDefaults(); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	s.config = config
	return s.start(ctx)
}

// Close kills the server and gives its ports back. The data stays.
func (s *Server) Close() error {
	err := s.process.kill()
	for _, r := range s.reservations {
		err = errors.Join(err, r.Close())
	}
	s.reservations = nil
	return err
}

func portOf(address string) string {
	return fmt.Sprint(netip.MustParseAddrPort(address).Port())
}
