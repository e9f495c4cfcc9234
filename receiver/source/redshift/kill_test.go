package redshift

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	arrivals      = 40  // statements that add rows
	rowsOfArrival = 120 // of each
	kills         = 5
)

// arrival is what turns up at once: mostly the latest rows, many of one time, some alike in every column, and some an hour late.
func arrival(n int, now time.Time) (rows []row) {
	for i := range rowsOfArrival {
		r := login(fmt.Sprintf("user-%d", i%7), now.Add(time.Duration(i/30)*time.Millisecond), n*1000+i)
		switch i % 10 {
		case 0, 1:
			r.pid = n * 1000 // alike
			r.user = "twin"
		case 2:
			r.at = now.Add(-time.Hour)
		}
		rows = append(rows, r)
	}
	return rows
}

var errKilled = errors.New("the process was killed")

// Rows arrive while a receiver is killed five times: together its lives tell every row, with the ids that one life would have given.
func TestKilledFiveTimesWhileRowsArrive(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	cfg.BatchSize = 100
	begin := time.Now().UTC().Add(-time.Minute).Truncate(time.Millisecond)
	var writer sync.WaitGroup
	defer writer.Wait()
	var arrived atomic.Int64
	writer.Go(func() {
		for n := range arrivals {
			insert(t, s, table, arrival(n, begin.Add(time.Duration(n)*time.Second))...)
			arrived.Add(1)
		}
	})
	told, store := map[session.ID]bool{}, &sourcetest.Store{}
	for life := range kills + 1 {
		var dead atomic.Bool
		store.OnWrite = func(context.Context, int, string) error { return ifDead(&dead) }
		r := runFated(t, cfg, store, func(context.Context, int, []session.Event) error { return ifDead(&dead) })
		if life < kills {
			eventually(t, "arrivals", func() bool { return int(arrived.Load()) >= (life+1)*arrivals/(kills+1) && len(r.emit.Delivered()) > 0 })
			dead.Store(true)
		} else {
			writer.Wait()
			eventually(t, "all rows", func() bool { return len(told)+fresh(told, r.emit.Delivered()) == arrivals*rowsOfArrival })
			r.whole(t)
		}
		r.stop()
		for _, e := range r.emit.Delivered() {
			told[e.RecordID] = true
		}
		store = store.Fork()
	}
	require.Len(t, told, arrivals*rowsOfArrival)
	for _, e := range run(t, cfg, nil).waitEvents(t, arrivals*rowsOfArrival) {
		require.True(t, told[e.RecordID])
	}
}

// fresh is how many ids of events were not told before.
func fresh(told map[session.ID]bool, events []session.Event) int {
	n := map[session.ID]bool{}
	for i := range events {
		if !told[events[i].RecordID] {
			n[events[i].RecordID] = true
		}
	}
	return len(n)
}

func ifDead(dead *atomic.Bool) error {
	if dead.Load() {
		return errKilled
	}
	return nil
}
