package testengine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/testengine/logins"
)

// Pause closes one protocol's listener: new connections are refused, those that stand end after their query. The other protocol is
// needed to Resume; for a server that is wholly away there are Stop and Restart.
func (s *Server) Pause(tb testing.TB, protocol logins.Protocol) {
	tb.Helper()
	s.listen(tb, "STOP", protocol)
}

// Resume ends a Pause.
func (s *Server) Resume(tb testing.TB, protocol logins.Protocol) {
	tb.Helper()
	s.listen(tb, "START", protocol)
}

func (s *Server) listen(tb testing.TB, verb string, protocol logins.Protocol) {
	tb.Helper()
	if s.own == nil {
		skipExternal(tb, "the server would close a listener")
	}
	statement := "SYSTEM " + verb + " LISTEN " + protocol.String()
	if protocol == logins.Native {
		s.Exec(tb, statement)
		return
	}
	session, login, err := logins.New(s.Native, s.HTTP).Open(tb.Context(), logins.Attempt{User: s.admin.Name, Password: s.admin.Password})
	if err != nil || !login.OK {
		tb.Fatalf("%s: login: %v", statement, err)
	}
	if err := errors.Join(session.Query(tb.Context(), statement), session.Close()); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

// Freeze stops the process in its tracks: connections stand and are accepted, nothing answers. A client sees a server that hangs.
func (s *Server) Freeze(tb testing.TB) {
	tb.Helper()
	s.signal(tb, syscall.SIGSTOP, "frozen")
	waitStopped(tb, s.PID)
}

// waitStopped waits until every thread has stopped: the kernel does so behind the signal's sender.
func waitStopped(tb testing.TB, pid int) {
	tb.Helper()
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if stopped(pid) {
			return
		}
	}
	tb.Fatal("the server does not stop")
}

// stopped reads the state behind the name in parentheses of each thread's stat. Where there is no /proc, the signal counts.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, file := range threads {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has just ended
		}
		if i := strings.LastIndexByte(string(stat), ')'); i < 0 || !strings.HasPrefix(string(stat[i:]), ") T") {
			return false
		}
	}
	return true
}

// Thaw ends a Freeze.
func (s *Server) Thaw(tb testing.TB) {
	tb.Helper()
	s.signal(tb, syscall.SIGCONT, "thawed")
}

func (s *Server) signal(tb testing.TB, sig syscall.Signal, done string) {
	tb.Helper()
	if s.own == nil {
		skipExternal(tb, "the server would be "+done)
	}
	if err := syscall.Kill(s.PID, sig); err != nil {
		tb.Fatalf("signal %s to the server: %v", sig, err)
	}
}
