package sourcetest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// testTimeout is how long a test waits for what must come. It is never used up by a source that works. (A variable, so that the suite's
// own test need not wait long for what a broken source never delivers.)
var testTimeout = 60 * time.Second

// Recorder is a pipeline that remembers what it was emitted. It is safe for concurrent use.
type Recorder struct {
	// Fate, where set, decides about a batch: nil delivers it, an error fails it for now: as the receiver does, Emit asks again until
	// ctx ends. It may block until then. call counts from 1, every try.
	Fate func(ctx context.Context, call int, batch []session.Event) error

	mu        sync.Mutex
	calls     int
	closed    bool
	afterEnd  int
	emitted   []emittedBatch
	delivered int
	changed   chan struct{}
}

// emittedBatch is one event of one batch, and what came of it.
type emittedBatch struct {
	event     session.Event
	user      string // a copy of the bytes that event.User had: a source must not change them later
	delivered bool
}

const (
	firstPause = time.Millisecond
	mostPause  = 10 * time.Second
)

// Emit is the [source.Emit] of the recorder.
func (r *Recorder) Emit(ctx context.Context, batch []session.Event) error {
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		err := r.deliverOnce(ctx, batch)
		if err == nil || ctx.Err() != nil {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

func (r *Recorder) deliverOnce(ctx context.Context, batch []session.Event) error {
	r.mu.Lock()
	r.calls++
	call := r.calls
	if r.closed {
		r.afterEnd++
	}
	r.mu.Unlock()
	var err error
	if r.Fate != nil {
		err = r.Fate(ctx, call, batch)
	}
	r.recordBatch(batch, err == nil)
	return err
}

func (r *Recorder) recordBatch(batch []session.Event, delivered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		t := emittedBatch{user: strings.Clone(batch[i].User), delivered: delivered}
		batch[i].CopyTo(&t.event)
		r.emitted = append(r.emitted, t)
		if delivered {
			r.delivered++
		}
	}
	r.wakeWaiters()
}

// wakeWaiters lets whoever waits check again. r.mu is held.
func (r *Recorder) wakeWaiters() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Delivered are copies of the delivered events, in the order of their delivery.
func (r *Recorder) Delivered() []session.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]session.Event, 0, r.delivered)
	for i := range r.emitted {
		if r.emitted[i].delivered {
			out = append(out, r.emitted[i].event)
		}
	}
	return out
}

// Calls is how many batches were emitted, delivered or not.
func (r *Recorder) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// WaitFor returns when every row was delivered, and fails the test when that does not come.
func (r *Recorder) WaitFor(t testing.TB, rows ...Row) {
	t.Helper()
	r.waitUntil(t, "rows were not delivered", func() bool { return len(r.missing(rows)) == 0 })
}

// waitUntil checks after every batch, and when the source's process was killed, whether done holds.
func (r *Recorder) waitUntil(t testing.TB, complaint string, done func() bool) {
	t.Helper()
	deadline := time.After(testTimeout)
	for {
		changed := r.nextBatch()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s within %v: %d batches emitted, %d events delivered", complaint, testTimeout, r.Calls(), len(r.Delivered()))
		}
	}
}

// nextBatch is closed when a batch comes after the call.
func (r *Recorder) nextBatch() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

func (r *Recorder) missing(rows []Row) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := make(map[string]bool, r.delivered)
	for i := range r.emitted {
		if r.emitted[i].delivered {
			have[r.emitted[i].user] = true
		}
	}
	var missing []string
	for _, row := range rows {
		if !have[row.User] {
			missing = append(missing, row.User)
		}
	}
	return missing
}

// close tells that the source has returned: from now on it must not call.
func (r *Recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
}

// emissions is a copy of everything that was emitted, delivered or not.
func (r *Recorder) emissions() []emittedBatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]emittedBatch(nil), r.emitted...)
}
