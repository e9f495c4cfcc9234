package postgresql

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const (
	waitLimit = time.Minute
	waitPause = 10 * time.Millisecond

	rotatePause = 300 * time.Millisecond // between two requests to rotate, one of which falls into a new second
)

// LogDir is where the logging collector writes.
func (s *Server) LogDir() string { return s.own.LogDir() }

// LogFiles are the log's files in one format (server.Stderr, …), oldest first.
func (s *Server) LogFiles(format string) []string { return s.own.LogFiles(format) }

// ReadLog is the whole log in one format, from the oldest file on.
func (s *Server) ReadLog(tb testing.TB, format string) []byte {
	tb.Helper()
	var all []byte
	for _, name := range s.LogFiles(format) {
		text, err := os.ReadFile(name)
		must(tb, err)
		all = append(all, text...)
	}
	return all
}

// WaitLog reads until the log satisfies done. What a client has seen happen is in the log a moment later: a process of its own writes it,
// and a backend tells of the disconnection when the client is long gone.
func (s *Server) WaitLog(tb testing.TB, format string, done func(log []byte) bool) []byte {
	tb.Helper()
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(waitPause) {
		log := s.ReadLog(tb, format)
		if done(log) {
			return log
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %s the log in format %s is still not the expected one; its end:\n%s", waitLimit, format, log[max(0, len(log)-3000):])
		}
	}
}

// WaitLogHas waits until the log holds text n times, and returns the log.
func (s *Server) WaitLogHas(tb testing.TB, format, text string, n int) []byte {
	tb.Helper()
	return s.WaitLog(tb, format, func(log []byte) bool { return bytes.Count(log, []byte(text)) >= n })
}

// Rotate makes the server begin new log files, and returns once it writes to them. The default log_filename has a resolution of a
// second, so this may take one.
func (s *Server) Rotate(tb testing.TB) {
	tb.Helper()
	before := s.currentLogs(tb)
	for deadline := time.Now().Add(waitLimit); time.Now().Before(deadline); {
		s.Exec(tb, "SELECT pg_rotate_logfile()")
		for again := time.Now().Add(rotatePause); time.Now().Before(again); time.Sleep(waitPause) {
			if s.currentLogs(tb) != before {
				return
			}
		}
	}
	tb.Fatalf("after %s the log is still %s: does log_filename give each time its own name?", waitLimit, before)
}

// currentLogs is the file in which the server names the log files that it writes to. Asking over SQL would write to them. A server that
// was just started makes it anew.
func (s *Server) currentLogs(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(filepath.Dir(s.LogDir()), "current_logfiles")
	for deadline := time.Now().Add(waitLimit); ; time.Sleep(waitPause) {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) && time.Now().Before(deadline) {
			continue
		}
		must(tb, err)
		return string(text)
	}
}
