package sourcetest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// stopLimit is the second that the contract gives a source to end, and the noise of a busy machine.
var stopLimit = 5 * time.Second

// Host is the receiver's side of the contract made of recorders. emit and store are required, stats may be nil.
func Host(t testing.TB, emit *Recorder, store *Store, stats *Stats) source.Host {
	if stats == nil {
		stats = &Stats{}
	}
	return source.Host{
		Emit:   emit.Emit,
		Store:  store,
		Stats:  stats,
		Log:    zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)),
		Status: func(error) {},
		Now:    time.Now,

		InstanceSet: true,
	}
}

// runningSource is a source at work.
type runningSource struct {
	emit   *Recorder
	ctx    context.Context
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// startSource runs a source until stop, or until the test ends.
func startSource(t testing.TB, src source.Source, emit *Recorder, store *Store, stats *Stats) *runningSource {
	t.Helper()
	r := &runningSource{emit: emit, done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	host := Host(t, emit, store, stats)
	go func() {
		defer close(r.done)
		r.err = src.Run(r.ctx, host)
	}()
	t.Cleanup(func() { // a scenario that failed has not come as far as its stop
		r.cancel()
		r.ended(t)
	})
	return r
}

// stop ends the source and checks that it obeys, keeps silent afterwards, and left the strings that it gave away alone.
func (r *runningSource) stop(t testing.TB) {
	t.Helper()
	r.cancel()
	if !r.ended(t) {
		t.FailNow()
	}
	r.emit.close()
	if r.err != nil {
		t.Fatalf("Run returned an error although its context had ended: %v", r.err)
	}
	for _, one := range r.emit.emissions() {
		if one.event.User != one.user {
			t.Fatalf("the text of an event changed after it was emitted: %q is %q now", one.user, one.event.User)
		}
	}
	if r.emit.afterEnd > 0 {
		t.Fatalf("%d batches were emitted after Run had returned", r.emit.afterEnd)
	}
}

func (r *runningSource) ended(t testing.TB) bool {
	t.Helper()
	select {
	case <-r.done:
		return true
	case <-time.After(stopLimit):
		t.Errorf("Run goes on %v after its context ended", stopLimit)
		return false
	}
}
