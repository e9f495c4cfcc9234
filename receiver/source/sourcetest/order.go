package sourcetest

import (
	"context"
	"testing"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

func oneTimestamp(t *testing.T, p Place) {
	at := recentTime()
	all := loginRows("early", 3, at.Add(-time.Second), rowInterval)
	all = append(all, loginRows("same", 23, at, 0)...)
	all = append(all, loginRows("later", 3, at.Add(time.Second), rowInterval)...)
	p.Add(t, all...)
	store := &Store{}
	l := newLife(store)
	l.emit.Fate = func(_ context.Context, call int, _ []session.Event) error {
		if call > 2 {
			l.kill()
		}
		return l.deathError()
	}
	left := l.runUntilDeath(t, p, all)
	runAfterDeath(t, p, all, l.emit, left)

	// A row of the very same time comes when all the others have been read.
	emit := &Recorder{}
	run := startSource(t, p.Source(t, Options{BatchSize: 5}), emit, store, nil)
	emit.WaitFor(t, all...)
	late := loginRows("again", 1, at, 0)
	if p.Late != nil {
		p.Late(t, late...)
	} else {
		p.Add(t, late...)
	}
	emit.WaitFor(t, late...)
	run.stop(t)
	checkOnce(t, emit, append(all, late...))
	checkIdentities(t, l.emit, emit)
}

func lateRows(t *testing.T, p Place) {
	add := p.Late
	if add == nil {
		add = p.Add
	}
	at := recentTime()
	punctual := loginRows("punctual", 20, at, rowInterval)
	p.Add(t, punctual...)
	emit, store := &Recorder{}, &Store{}
	run := startSource(t, p.Source(t, Options{BatchSize: 7}), emit, store, nil)
	emit.WaitFor(t, punctual...)
	late := loginRows("late", 6, at.Add(-2*time.Second), 500*time.Millisecond)
	for _, row := range late[:3] {
		add(t, row)
	}
	emit.WaitFor(t, late[:3]...)
	run.stop(t)
	checkOnce(t, emit, append(punctual, late[:3]...))

	// The rest comes while the collector is away.
	add(t, late[3:]...)
	again := &Recorder{}
	run = startSource(t, p.Source(t, Options{BatchSize: 7}), again, store, nil)
	again.WaitFor(t, late[3:]...)
	run.stop(t)
	checkOnce(t, again, late[3:])
	checkIdentities(t, emit, again)
}

func twoReceivers(t *testing.T, p Place) {
	at := recentTime()
	all := append(loginRows("double", 20, at, rowInterval), loginRows("twin", 5, at.Add(time.Second), 0)...)
	p.Add(t, all...)
	a, b, c := &Recorder{}, &Recorder{}, &Recorder{}
	first := startSource(t, p.Source(t, Options{BatchSize: 4}), a, &Store{}, nil)
	second := startSource(t, p.Source(t, Options{BatchSize: 100}), b, &Store{}, nil)
	a.WaitFor(t, all...)
	b.WaitFor(t, all...)
	first.stop(t)
	second.stop(t)
	if p.StartsAt {
		third := startSource(t, p.Source(t, Options{BatchSize: 3, From: all[11].Time}), c, &Store{}, nil)
		c.WaitFor(t, all[11:]...)
		third.stop(t)
		if n := len(c.Delivered()); n != len(all)-11 {
			t.Errorf("a start at the time of row 11 of %d delivered %d events, want %d", len(all), n, len(all)-11)
		}
	}
	checkIdentities(t, a, b, c)
	checkOnce(t, a, all)
	checkOnce(t, b, all)
}
