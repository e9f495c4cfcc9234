package sessionlogexporter

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// sharedWrites lets calls that come while the backend writes share its next write, where one large write costs less than several small ones.
// A call that comes alone is written at once. exporterhelper's own batches are not used for it: they hold a lone call back, do not grow while the
// backend is busy, and have a timer that runs as often while nothing comes.
type sharedWrites struct {
	writeRecords func(context.Context, []plog.Logs) ([]backend.Rejection, error)
	backend.WriteSize

	mu            sync.Mutex
	waiting       []*sharedCall
	records       int // of waiting
	running       int // writes
	expectedCalls int // those of the last write and those that waited for it: they come again
	holdUntil     time.Time
	timer         *time.Timer
}

const (
	// A write waits a part of the time that the last one took for the calls that this has answered, which come again: else one of them would
	// have a write to itself and all others would share the next, for ever.
	holdPart    = 8
	longestHold = 20 * time.Millisecond
	// longestStay is how long a call waits for a write that does not end.
	longestStay = time.Second
)

type sharedCall struct {
	ctx      context.Context
	logs     plog.Logs
	records  int
	came     time.Time
	first    int           // the place of its first record in the write
	done     chan struct{} // closed when the two below are final
	rejected []backend.Rejection
	err      error
}

func (s *sharedWrites) writeTogether(ctx context.Context, ld plog.Logs) ([]backend.Rejection, error) {
	c := &sharedCall{ctx: ctx, logs: ld, records: ld.LogRecordCount(), came: time.Now(), done: make(chan struct{})}
	s.mu.Lock()
	s.waiting, s.records = append(s.waiting, c), s.records+c.records
	s.beginDueWrites()
	s.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		if s.withdrawCall(c) {
			return nil, context.Cause(ctx)
		}
		<-c.done // the backend reads the records
	}
	return c.rejected, c.err
}

func (s *sharedWrites) withdrawCall(c *sharedCall) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.waiting, c)
	if at < 0 {
		return false
	}
	s.waiting, s.records = slices.Delete(s.waiting, at, at+1), s.records-c.records
	return true
}

func (s *sharedWrites) beginDueWrites() {
	for len(s.waiting) > 0 && s.running < s.AtOnce {
		if wait := s.untilDue(); wait > 0 {
			s.wakeAfter(wait)
			return
		}
		s.running++
		go s.runWrite(s.takeWaiting())
	}
}

func (s *sharedWrites) untilDue() time.Duration {
	switch stay := longestStay - time.Since(s.waiting[0].came); {
	case s.records >= s.Enough:
		return 0
	case s.running > 0:
		return stay
	case len(s.waiting) < s.expectedCalls:
		return min(stay, time.Until(s.holdUntil))
	}
	return 0
}

func (s *sharedWrites) wakeAfter(wait time.Duration) {
	if s.timer != nil {
		s.timer.Reset(wait)
		return
	}
	s.timer = time.AfterFunc(wait, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.beginDueWrites()
	})
}

func (s *sharedWrites) takeWaiting() []*sharedCall {
	records, calls := 0, 0
	for calls < len(s.waiting) && records < s.Enough {
		s.waiting[calls].first = records
		records += s.waiting[calls].records
		calls++
	}
	taken := slices.Clone(s.waiting[:calls])
	s.waiting, s.records = slices.Delete(s.waiting, 0, calls), s.records-records
	return taken
}

func (s *sharedWrites) runWrite(calls []*sharedCall) {
	begun := time.Now()
	s.writeCalls(calls)
	took := time.Since(begun)
	for _, c := range calls {
		close(c.done)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.expectedCalls, s.holdUntil = len(calls)+len(s.waiting), time.Now().Add(min(took/holdPart, longestHold))
	s.beginDueWrites()
}

// writeCalls gives each call what became of its own records. What is refused for good is written call by call: the fault is that of one.
func (s *sharedWrites) writeCalls(calls []*sharedCall) {
	if len(calls) == 1 {
		calls[0].rejected, calls[0].err = s.writeRecords(calls[0].ctx, []plog.Logs{calls[0].logs})
		return
	}
	ctx, cancel := contextOfAllCalls(calls)
	defer cancel()
	var together []plog.Logs
	for _, c := range calls {
		together = append(together, c.logs)
	}
	rejected, err := s.writeRecords(ctx, together)
	if consumererror.IsPermanent(err) {
		for i := range calls {
			s.writeCalls(calls[i : i+1])
		}
		return
	}
	divideOutcome(calls, rejected, err)
}

func divideOutcome(calls []*sharedCall, rejected []backend.Rejection, err error) {
	for _, r := range rejected {
		c := callOfPlace(calls, r.Index)
		r.Index -= c.first
		c.rejected = append(c.rejected, r)
	}
	var partial *backend.PartialError
	if !errors.As(err, &partial) {
		for _, c := range calls {
			c.err = err
		}
		return
	}
	remaining := map[*sharedCall][]int{}
	for _, place := range partial.Remaining {
		c := callOfPlace(calls, place)
		remaining[c] = append(remaining[c], place-c.first)
	}
	for c, places := range remaining {
		c.err = &backend.PartialError{Err: partial.Err, Remaining: places}
	}
}

func callOfPlace(calls []*sharedCall, place int) *sharedCall {
	at, _ := slices.BinarySearchFunc(calls, place+1, func(c *sharedCall, next int) int { return cmp.Compare(c.first, next) })
	return calls[at-1]
}

func contextOfAllCalls(calls []*sharedCall) (_ context.Context, cancel func()) {
	ctx, end := context.WithCancelCause(context.WithoutCancel(calls[0].ctx))
	var left atomic.Int32
	left.Store(int32(len(calls))) //nolint:gosec // far fewer
	unhook := make([]func() bool, len(calls))
	for i, c := range calls {
		unhook[i] = context.AfterFunc(c.ctx, func() {
			if left.Add(-1) == 0 {
				end(context.Cause(c.ctx))
			}
		})
	}
	return ctx, func() {
		for _, one := range unhook {
			one()
		}
		end(nil)
	}
}
