// Package droppingwriter writes lines to a file that may block (a pipe that nobody reads) or fail (a full disk), and never makes
// the caller wait: lines beyond the buffer are dropped and counted.
package droppingwriter

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Writer holds lines until out has taken them. It is safe for concurrent use.
type Writer struct {
	out     io.Writer
	limit   int
	onDrop  func(lines int64, reason error)
	dropped atomic.Int64

	mu      sync.Mutex
	waiting []byte
	lines   int64 // in waiting
	writing bool  // drain runs
	idle    chan struct{}
}

// New makes a writer that holds up to limit bytes. onDrop, which may be nil, is called for lines that are dropped, with the error
// of out or nil where there was no room; it must not write to this writer.
func New(out io.Writer, limit int, onDrop func(lines int64, reason error)) *Writer {
	if onDrop == nil {
		onDrop = func(int64, error) {}
	}
	idle := make(chan struct{})
	close(idle)
	return &Writer{out: out, limit: limit, onDrop: onDrop, idle: idle}
}

// Write buffers one line, or drops it. It never fails: its callers cannot use the error.
func (w *Writer) Write(line []byte) (int, error) {
	w.mu.Lock()
	if len(w.waiting)+len(line) > w.limit {
		w.mu.Unlock()
		w.countDropped(1, nil)
		return len(line), nil
	}
	w.waiting = append(w.waiting, line...)
	w.lines++
	if !w.writing {
		w.writing, w.idle = true, make(chan struct{})
		go w.drainWaiting()
	}
	w.mu.Unlock()
	return len(line), nil
}

func (w *Writer) drainWaiting() {
	var batch []byte
	for {
		w.mu.Lock()
		if len(w.waiting) == 0 { // no goroutine is left, unless out blocks
			w.writing = false
			close(w.idle)
			w.mu.Unlock()
			return
		}
		batch, w.waiting = w.waiting, batch[:0]
		lines := w.lines
		w.lines = 0
		w.mu.Unlock()
		if _, err := w.out.Write(batch); err != nil {
			w.countDropped(lines, err)
		}
	}
}

func (w *Writer) countDropped(lines int64, reason error) {
	w.dropped.Add(lines)
	w.onDrop(lines, reason)
}

// Dropped returns the number of lines.
func (w *Writer) Dropped() int64 { return w.dropped.Load() }

// Flush waits until all lines are written or dropped, and returns false if timeout ends first.
func (w *Writer) Flush(timeout time.Duration) bool {
	w.mu.Lock()
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-time.After(timeout):
		return false
	}
}
