package lifecycle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/droppingwriter"
)

const (
	logBuffer       = 1 << 20
	logFlushTimeout = 500 * time.Millisecond
)

// ShieldStderr puts a pipe in the place of os.Stderr, whose other end is written to the real one. The collector's log is written
// by whoever logs, so a stderr that nobody reads would stop every component; now lines are dropped instead, and their number is
// logged once there is room. A reader that is gone does not end the process either. Restore is called once, before the end: it
// writes what is left, for a moment, and puts the real one back. What the runtime itself writes goes to the real one always.
func ShieldStderr() (restore func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("a pipe for the log: %w", err)
	}
	signal.Ignore(syscall.SIGPIPE)
	real := os.Stderr
	os.Stderr = write
	done := make(chan struct{})
	out := droppingwriter.New(real, logBuffer, nil)
	go func() {
		defer close(done)
		copyLines(out, read)
	}()
	return func() {
		os.Stderr = real
		_ = write.Close()
		select {
		case <-done:
			out.Flush(logFlushTimeout)
		case <-time.After(logFlushTimeout):
		}
	}, nil
}

// copyLines copies whole lines, and says how many were dropped before the next one that finds room.
func copyLines(out *droppingwriter.Writer, in io.Reader) {
	lines := bufio.NewReaderSize(in, 64<<10)
	var told int64
	for {
		line, err := lines.ReadSlice('\n') // of a longer one, a part
		if len(line) > 0 {
			if dropped := out.Dropped(); dropped > told && out.Flush(0) {
				_, _ = fmt.Fprintf(out, "%d lines of this log were dropped: nobody read stderr, or its disk is full\n", dropped-told)
				told = dropped
			}
			_, _ = out.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
