package sourcetest

import (
	"context"
	"errors"
	"testing"

	"github.com/otel-sessionlog/sessionlog/session"
)

var errForNow = errors.New("the pipeline is busy")

func onceEach(t *testing.T, p Place) {
	all := loginRows("once", 35, recentTime(), rowInterval)
	p.Add(t, all[:25]...)
	emit := &Recorder{}
	run := startSource(t, p.Source(t, Options{BatchSize: 10}), emit, &Store{}, nil)
	emit.WaitFor(t, all[:25]...)
	// Each of these takes at least one more reading, in which earlier rows could come again.
	for _, row := range all[25:] {
		p.Add(t, row)
		emit.WaitFor(t, row)
	}
	run.stop(t)
	checkOnce(t, emit, all)
	events := checkIdentities(t, emit)
	for _, row := range all {
		checkFields(t, events[row.User], row)
	}
	if emit.Calls() < 3 {
		t.Errorf("25 rows came in %d batches although a batch has 10 events at most", emit.Calls())
	}
}

func onceAcrossRestarts(t *testing.T, p Place) {
	all := loginRows("restart", 40, recentTime(), rowInterval)
	store := &Store{}
	var recorders []*Recorder
	for i := 0; i < len(all); i += 8 {
		p.Add(t, all[i:i+8]...)
		emit := &Recorder{}
		recorders = append(recorders, emit)
		run := startSource(t, p.Source(t, Options{BatchSize: 5}), emit, store, nil)
		emit.WaitFor(t, all[i:i+8]...)
		run.stop(t)
		checkOnce(t, emit, all[i:i+8])
	}
	checkIdentities(t, recorders...)
}

// rememberedWhileStopping lets the stop come while the pipeline takes a batch: it has it, so the source must not deliver it again.
func rememberedWhileStopping(t *testing.T, p Place) {
	all := loginRows("stopping", 10, recentTime(), rowInterval)
	p.Add(t, all...)
	store := &Store{}
	var run *runningSource
	begun := make(chan struct{})
	emit := &Recorder{Fate: func(context.Context, int, []session.Event) error {
		<-begun
		run.cancel()
		return nil
	}}
	run = startSource(t, p.Source(t, Options{BatchSize: 100}), emit, store, nil)
	close(begun)
	emit.WaitFor(t, all...)
	run.stop(t)

	after := loginRows("after", 1, all[9].Time.Add(rowInterval), rowInterval)
	p.Add(t, after...)
	again := &Recorder{}
	rerun := startSource(t, p.Source(t, Options{BatchSize: 100}), again, store, nil)
	again.WaitFor(t, after...)
	rerun.stop(t)
	checkOnce(t, again, after)
}

func failsForNow(t *testing.T, p Place) {
	all := loginRows("busy", 25, recentTime(), rowInterval)
	p.Add(t, all...)
	store := &Store{}
	failing := &Recorder{Fate: func(context.Context, int, []session.Event) error { return errForNow }}
	run := startSource(t, p.Source(t, Options{BatchSize: 10}), failing, store, nil)
	failing.waitUntil(t, "a batch that failed was not emitted again", func() bool { return failing.Calls() >= 4 })
	run.stop(t)

	emit := &Recorder{Fate: func(_ context.Context, call int, _ []session.Event) error {
		if call <= 2 {
			return errForNow
		}
		return nil
	}}
	run = startSource(t, p.Source(t, Options{BatchSize: 10}), emit, store, nil)
	emit.WaitFor(t, all...)
	run.stop(t)
	checkOnce(t, emit, all)
	checkIdentities(t, failing, emit)
}

// failsInTheMiddle accepts every batch but those with one row, for a whole run: the cursor may only move over what lies before it.
func failsInTheMiddle(t *testing.T, p Place) {
	all := loginRows("middle", 40, recentTime(), rowInterval)
	p.Add(t, all...)
	victim, store := all[17].User, &Store{}
	first := &Recorder{Fate: func(_ context.Context, _ int, batch []session.Event) error {
		for i := range batch {
			if batch[i].User == victim {
				return errForNow
			}
		}
		return nil
	}}
	run := startSource(t, p.Source(t, Options{BatchSize: 4}), first, store, nil)
	first.waitUntil(t, "the batch that failed was not emitted again", func() bool {
		n := 0
		for _, one := range first.emissions() {
			if one.user == victim {
				n++
			}
		}
		return n >= 3
	})
	run.stop(t)

	second := &Recorder{}
	run = startSource(t, p.Source(t, Options{BatchSize: 4}), second, store, nil)
	second.WaitFor(t, all[17:21]...)
	second.waitUntil(t, "rows were lost", func() bool { return missingFrom(all, first, second) == 0 })
	run.stop(t)
	checkIdentities(t, first, second)
}

func missingFrom(all []Row, recorders ...*Recorder) int {
	missing := map[string]bool{}
	for _, row := range all {
		missing[row.User] = true
	}
	for _, r := range recorders {
		for _, e := range r.Delivered() {
			delete(missing, e.User)
		}
	}
	return len(missing)
}
