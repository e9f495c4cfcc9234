// Package server starts a real PostgreSQL server as a child process, without testing: for package postgresql, for a TestMain that shares
// one server, for a demo.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/child"
	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

const startLimit = 90 * time.Second // warm it takes a fifth of a second; recovery after a kill and a busy disk may take long

var loopback = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)

// Server is a PostgreSQL server on loopback with a port of its own. It is not safe for concurrent use, Query aside.
type Server struct {
	Address   string // host:port
	SocketDir string // of its Unix-domain socket, to be given as the host
	PID       int    // of the postmaster; another one after Restart

	config      Config
	binary      string
	reservation *port.Reservation
	process     *process
}

// Start starts a server and waits until it accepts connections. Close ends it. The error wraps engines.ErrMissing when the engine is not
// installed, and carries the end of the server's log when it did not come up.
func Start(ctx context.Context, config Config) (*Server, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	engine, err := config.engine()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(config.Dir, 0o755), letIn(config.Dir)); err != nil {
		return nil, err
	}
	binary, err := binary(engine)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(config.dataDir()); errors.Is(err, fs.ErrNotExist) {
		from, err := template(ctx, engine, config, binary)
		if err != nil {
			return nil, err
		}
		if err := copyTree(from, config.dataDir()); err != nil {
			return nil, fmt.Errorf("data of the server: %w", err)
		}
	}
	return startOn(ctx, config, binary)
}

// startOn starts on a data directory that is there.
func startOn(ctx context.Context, config Config, binary string) (*Server, error) {
	s := &Server{config: config, binary: binary}
	var err error
	if s.reservation, err = port.ReserveWeakly(ctx, loopback); err != nil {
		return nil, err
	}
	s.Address = s.reservation.Addr().String()
	// Not in Config.Dir: the path of a socket has room for 107 bytes, and a test's folder may need more.
	if s.SocketDir, err = os.MkdirTemp("", "pg-"); err == nil {
		err = own(s.SocketDir)
	}
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	if err := s.config.write(s.port(), s.SocketDir); err != nil {
		return fmt.Errorf("configuration of the server: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	cmd := command(context.Background(), s.binary, "-D", s.config.dataDir()) // it outlives ctx, which bounds the start alone
	p, err := startProcess(ctx, cmd, s.config.dataDir(), s.config.errorFile())
	if err != nil {
		return fmt.Errorf("start PostgreSQL %d: %w%s", s.config.Version, err, child.Tails(append(s.LogFiles(Stderr), s.config.errorFile())...))
	}
	s.process, s.PID = p, cmd.Process.Pid
	return nil
}

// Config is what the server was started with, defaults filled in.
func (s *Server) Config() Config { return s.config }

// LogDir is where the logging collector writes.
func (s *Server) LogDir() string { return s.config.logDir() }

// LogFiles are the log's files in one format, oldest first as long as log_filename is the default.
func (s *Server) LogFiles(format string) []string {
	suffix := map[string]string{Stderr: "log", CSVLog: "csv", JSONLog: "json"}[format]
	files, _ := filepath.Glob(filepath.Join(s.LogDir(), "*."+suffix)) // sorted; the pattern is right
	return files
}

// TLS names the client's files; empty without TLS.
func (s *Server) TLS() TLSFiles {
	if s.config.NoTLS {
		return TLSFiles{}
	}
	return TLSFiles{CA: filepath.Join(s.config.Dir, caCert), Cert: filepath.Join(s.config.Dir, clientCert), Key: filepath.Join(s.config.Dir, clientKey)}
}

// Stop ends the server cleanly, as "fast" shutdown: sessions are ended (FATAL 57P01), data and log are complete.
func (s *Server) Stop() error {
	if s.process == nil || s.process.HasEnded() {
		return nil
	}
	return errors.Join(s.process.end(syscall.SIGINT), s.process.Result())
}

// Kill is kill -9 of the postmaster: no disconnection is logged, the next start recovers.
func (s *Server) Kill() error { return s.process.end(syscall.SIGKILL) }

// Freeze stops all processes in their tracks: connections stand and are accepted, nothing answers. Thaw ends it.
func (s *Server) Freeze() error { return s.signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (s *Server) Thaw() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) error {
	return signalAll(append([]int{s.PID}, childrenOf(s.PID)...), signal)
}

// Restart starts the stopped or killed server again on its data and port, with config in place of the former one (Dir and Version
// aside). A server that runs is stopped cleanly first.
func (s *Server) Restart(ctx context.Context, config Config) error {
	config.Dir, config.Version = s.config.Dir, s.config.Version
	if err := config.setDefaults(); err != nil {
		return err
	}
	if err := s.Stop(); err != nil {
		return err
	}
	s.config = config
	return s.start(ctx)
}

// Close ends the server at once and gives its port back. The data stays.
func (s *Server) Close() error {
	// Not a kill: this too ends all sessions on the spot, and leaves no shared memory behind.
	err := s.process.end(syscall.SIGQUIT)
	if s.reservation != nil {
		err = errors.Join(err, s.reservation.Close())
		s.reservation = nil
	}
	if s.SocketDir != "" {
		err = errors.Join(err, os.RemoveAll(s.SocketDir))
	}
	return err
}

func (s *Server) port() string {
	return strconv.Itoa(int(netip.MustParseAddrPort(s.Address).Port()))
}
