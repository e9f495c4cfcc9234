package sourcetest

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/session"
)

func badRow(t *testing.T, p Place) {
	if p.Bad == nil {
		return
	}
	at := recentTime()
	all := loginRows("neighbour", 10, at, rowInterval)
	p.Add(t, all[:5]...)
	p.Bad(t, all[4].Time.Add(rowInterval/2))
	p.Add(t, all[5:]...)
	emit, stats, store := &Recorder{}, &Stats{}, &Store{}
	run := startSource(t, p.Source(t, Options{BatchSize: 4}), emit, store, stats)
	emit.WaitFor(t, all...)
	run.stop(t)
	checkOnce(t, emit, all)
	counts := stats.Counts()
	if counts.BadRows != 1 {
		t.Errorf("%d bad rows were counted, want 1", counts.BadRows)
	}
	for i, place := range counts.Places {
		if place == "" || counts.Reasons[i] == "" {
			t.Errorf("a bad row is reported with place %q and reason %q: neither may be empty", place, counts.Reasons[i])
		}
	}
}

// endsWhileBusy ends a source where it is busiest: while the pipeline holds a batch, and while the source system holds a reading.
func endsWhileBusy(t *testing.T, p Place) {
	all := loginRows("stop", 30, recentTime(), rowInterval)
	p.Add(t, all...)
	before := goleak.IgnoreCurrent()
	held := make(chan struct{}, 1)
	emit := &Recorder{Fate: func(ctx context.Context, _ int, _ []session.Event) error {
		select {
		case held <- struct{}{}:
		default:
		}
		<-ctx.Done()
		return ctx.Err()
	}}
	run := startSource(t, p.Source(t, Options{BatchSize: 5}), emit, &Store{}, nil)
	awaitSignal(t, held, "no batch was emitted")
	run.stop(t)
	requireNoLeaks(t, before)

	if p.Hang == nil {
		return
	}
	hanging, hangs := p.Hang(t)
	before = goleak.IgnoreCurrent()
	run = startSource(t, hanging, &Recorder{}, &Store{}, nil)
	awaitSignal(t, hangs, "the reading never began")
	run.stop(t)
	requireNoLeaks(t, before)
}

func awaitSignal(t testing.TB, what <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(testTimeout):
		t.Fatal(complaint)
	}
}

func requireNoLeaks(t testing.TB, before goleak.Option) {
	t.Helper()
	if err := goleak.Find(before); err != nil {
		t.Errorf("a source that was stopped left something running: %v", err)
	}
}
