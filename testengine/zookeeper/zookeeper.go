// Package zookeeper starts a real ZooKeeper as a child process, for a cluster of ClickHouse servers.
package zookeeper

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/port"
)

// Jar is where Debian's package keeps ZooKeeper; it names the libraries beside it by itself.
const Jar = "/usr/share/java/zookeeper.jar"

// Remedy says how to get what ErrMissing misses.
const Remedy = "install Debian's packages zookeeper and default-jre-headless"

// ErrMissing is what Find's errors wrap where there is no ZooKeeper, or no Java to run it.
var ErrMissing = errors.New("real ZooKeeper missing")

// startLimit is for a Java that is started on a busy machine; an idle one takes a second.
const startLimit = 90 * time.Second

// Server is a ZooKeeper on loopback with a port of its own. It is not safe for concurrent use.
type Server struct {
	Addr string // host:port of its clients

	dir         string
	java        string
	reservation *port.Reservation
	process     *process
}

// Find returns the path of the Java that would run ZooKeeper.
func Find() (java string, err error) {
	if _, err := os.Stat(Jar); err != nil {
		return "", fmt.Errorf("%w: %s: %s", ErrMissing, Jar, Remedy)
	}
	if java, err = exec.LookPath("java"); err != nil {
		return "", fmt.Errorf("%w: no java in PATH: %s", ErrMissing, Remedy)
	}
	return java, nil
}

// Start starts a ZooKeeper that keeps its data in dir, and waits until it takes sessions. Close ends it.
func Start(ctx context.Context, dir string) (*Server, error) {
	java, err := Find()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	// Weakly: Java knows SO_REUSEADDR only.
	reservation, err := port.ReserveWeakly(ctx, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0))
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: reservation.Addr().String(), dir: dir, java: java, reservation: reservation}
	if err := s.write(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Start starts the stopped ZooKeeper again, on its port and data. One that runs is left alone.
func (s *Server) Start(ctx context.Context) error {
	if s.process != nil && !s.process.HasEnded() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	// Memory for tests; the serial collector because its one thread is the smallest. To verify what the distribution's package holds is a sixth of a start.
	p, err := startProcess(ctx, filepath.Join(s.dir, "zookeeper.log"), s.Addr, s.java,
		"-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+UnlockDiagnosticVMOptions", "-XX:-BytecodeVerificationRemote", "-Dzookeeper.forceSync=no", "-Dzookeeper.preAllocSize=1024",
		"-Dzookeeper.nio.numSelectorThreads=1", "-Dzookeeper.nio.numWorkerThreads=0", "-cp", s.dir+":"+Jar,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(s.dir, "zoo.cfg"))
	if err != nil {
		return fmt.Errorf("start ZooKeeper: %w", err)
	}
	s.process = p
	return nil
}

// Stop ends it at once, as a crash would: what it has acknowledged is on the disk.
func (s *Server) Stop() error { return s.process.kill() }

// PID is the process that Freeze of a test would stop.
func (s *Server) PID() int { return s.process.pid }

// Close ends it and gives its port back. The data stays.
func (s *Server) Close() error {
	return errors.Join(s.process.kill(), s.reservation.Close())
}

// write makes the configuration. Sessions end four seconds after a node was last heard of.
func (s *Server) write() error {
	addr := netip.MustParseAddrPort(s.Addr)
	files := map[string]string{
		"zoo.cfg": fmt.Sprintf("tickTime=500\nminSessionTimeout=1000\nmaxSessionTimeout=30000\ndataDir=%s\nclientPort=%d\nclientPortAddress=%s\n"+
			"admin.enableServer=false\nmaxClientCnxns=0\n4lw.commands.whitelist=srvr\n", filepath.Join(s.dir, "data"), addr.Port(), addr.Addr()),
		"log4j.properties": "log4j.rootLogger=WARN, C\nlog4j.appender.C=org.apache.log4j.ConsoleAppender\n" +
			"log4j.appender.C.layout=org.apache.log4j.PatternLayout\nlog4j.appender.C.layout.ConversionPattern=%d %p %c: %m%n\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
