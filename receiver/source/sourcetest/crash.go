package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
)

var (
	errKilled = errors.New("the process was killed")
	errStore  = errors.New("the storage extension has no space left")
)

// mostCuts bounds how many places of a run are cut, each of which takes two runs.
const mostCuts = 8

// processLife is one process from its start to its sudden death: from then on nothing it does reaches the pipeline or the store.
type processLife struct {
	emit  *Recorder
	store *Store

	once sync.Once
	over chan struct{}
}

func newLife(store *Store) *processLife {
	l := &processLife{emit: &Recorder{}, store: store.Fork(), over: make(chan struct{})}
	l.emit.Fate = func(context.Context, int, []session.Event) error { return l.deathError() }
	l.store.OnWrite = func(context.Context, int, string) error { return l.deathError() }
	return l
}

func (l *processLife) deathError() error {
	select {
	case <-l.over:
		return errKilled
	default:
		return nil
	}
}

func (l *processLife) kill() {
	l.once.Do(func() {
		close(l.over)
		l.emit.mu.Lock()
		defer l.emit.mu.Unlock()
		l.emit.wakeWaiters()
	})
}

// runUntilDeath runs a source over the place until it dies or has delivered all rows, and returns what is left of its store.
func (l *processLife) runUntilDeath(t testing.TB, p Place, all []Row) *Store {
	t.Helper()
	run := startSource(t, p.Source(t, Options{BatchSize: 5}), l.emit, l.store, nil)
	l.emit.waitUntil(t, "rows were not delivered", func() bool { return l.deathError() != nil || len(l.emit.missing(all)) == 0 })
	run.stop(t)
	return l.store.Fork()
}

// runAfterDeath runs the source on what the dead one left and checks that the two together have delivered everything.
func runAfterDeath(t testing.TB, p Place, all []Row, first *Recorder, left *Store) {
	t.Helper()
	second := &Recorder{}
	run := startSource(t, p.Source(t, Options{BatchSize: 5}), second, left, nil)
	second.waitUntil(t, "rows were lost", func() bool { return missingFrom(all, first, second) == 0 })
	run.stop(t)
	checkIdentities(t, first, second)
}

func killedAtSave(t *testing.T, p Place) {
	all := loginRows("save", 30, recentTime(), rowInterval)
	p.Add(t, all...)
	whole := newLife(&Store{})
	whole.runUntilDeath(t, p, all)
	writes := whole.store.Writes()
	if writes == 0 {
		t.Fatal("the source has saved nothing while it delivered everything: after a restart it would begin anew")
	}
	for _, written := range []string{"nothing", "half of the keys", "the other half"} {
		for cut := range spreadNumbers(writes) {
			t.Run(fmt.Sprintf("save %d of %d, %s written", cut, writes, written), func(t *testing.T) {
				l := newLife(&Store{})
				l.store.OnWrite = func(_ context.Context, call int, _ string) error {
					if call < cut || l.deathError() != nil {
						return l.deathError()
					}
					l.kill()
					switch written {
					case "half of the keys":
						return TearHalf(errKilled, 0)
					case "the other half":
						return TearHalf(errKilled, 1)
					}
					return errKilled
				}
				runAfterDeath(t, p, all, l.emit, l.runUntilDeath(t, p, all))
			})
		}
	}
}

// killedAtDelivery cuts a run while the pipeline has a batch: once it has taken it, once it has not.
func killedAtDelivery(t *testing.T, p Place) {
	all := loginRows("delivery", 30, recentTime(), rowInterval)
	p.Add(t, all...)
	whole := newLife(&Store{})
	whole.runUntilDeath(t, p, all)
	for _, taken := range []bool{true, false} {
		for cut := range spreadNumbers(whole.emit.Calls()) {
			t.Run(fmt.Sprintf("batch %d, taken %t", cut, taken), func(t *testing.T) {
				l := newLife(&Store{})
				l.emit.Fate = func(_ context.Context, call int, _ []session.Event) error {
					if call < cut {
						return l.deathError()
					}
					first := l.deathError() == nil
					l.kill()
					if first && taken {
						return nil
					}
					return errKilled
				}
				runAfterDeath(t, p, all, l.emit, l.runUntilDeath(t, p, all))
			})
		}
	}
}

// spreadNumbers yields numbers from 1 to n, the first and the last among them.
func spreadNumbers(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		every := max(1, (n+mostCuts-1)/mostCuts)
		for cut := 1; cut < n; cut += every {
			if !yield(cut) {
				return
			}
		}
		if n > 0 {
			yield(n)
		}
	}
}

// failingSaves are the saves that fail in storeFails. They are finite: a source may save several things that belong together, and begins
// with the first again when one of them fails.
var failingSaves = map[int]bool{1: true, 2: true, 3: true, 8: true, 9: true, 16: true}

// storeFails lets some saves fail with some of their keys written, then lets the source end and start again.
func storeFails(t *testing.T, p Place) {
	all := loginRows("full", 30, recentTime(), rowInterval)
	p.Add(t, all[:20]...)
	store := &Store{OnWrite: func(_ context.Context, call int, _ string) error {
		if failingSaves[call] {
			return TearHalf(errStore, call)
		}
		return nil
	}}
	first := &Recorder{}
	run := startSource(t, p.Source(t, Options{BatchSize: 5}), first, store, nil)
	first.WaitFor(t, all[:20]...)
	run.stop(t)
	p.Add(t, all[20:]...)
	runAfterDeath(t, p, all, first, store.Fork())
}
