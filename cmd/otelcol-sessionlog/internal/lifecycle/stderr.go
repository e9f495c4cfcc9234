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
	logBufferBytes  = 1 << 20
	logFlushTimeout = 500 * time.Millisecond
)

// ShieldStderr replaces os.Stderr by a pipe, which is copied to the real one. A goroutine that logs writes to stderr itself, so a
// stderr that nobody reads would stop every component; with the pipe, lines are dropped instead, and their number is logged once
// there is room. A reader that is gone does not end the process either. restore is called once, before the end: it waits for at most
// logFlushTimeout until what is left is written, and restores os.Stderr. The runtime's own output goes to the real one always.
func ShieldStderr() (restore func(), err error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("a pipe for the log: %w", err)
	}
	signal.Ignore(syscall.SIGPIPE)
	real := os.Stderr
	os.Stderr = write
	done := make(chan struct{})
	out := droppingwriter.New(real, logBufferBytes, nil)
	go func() {
		defer close(done)
		copyLogLines(out, read)
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

func copyLogLines(out *droppingwriter.Writer, in io.Reader) {
	lines := bufio.NewReaderSize(in, 64<<10)
	var reported int64
	for {
		line, err := lines.ReadSlice('\n') // a part of a longer one
		if len(line) > 0 {
			if dropped := out.Dropped(); dropped > reported && out.Flush(0) {
				_, _ = fmt.Fprintf(out, "%d lines of this log were dropped: nobody read stderr, or its disk is full\n", dropped-reported)
				reported = dropped
			}
			_, _ = out.Write(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
