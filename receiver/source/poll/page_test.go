package poll

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Pages are as large as they may be, never split a timestamp, are committed in order, and carry the ids of their own rows.
func TestPagesKeepTimestampsTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 100 {
		const size = 4
		var mu sync.Mutex
		var committed []string
		var times [][]int64
		g := newPager(size, func(context.Context, []session.Event) error { return nil }, func(_ context.Context, p *page) error {
			mu.Lock()
			defer mu.Unlock()
			var page []int64
			for i := range p.n {
				committed = append(committed, p.events[i].User)
				page = append(page, p.events[i].Time)
				require.Equal(t, p.events[i].User, fmt.Sprint(p.told[i].id))
			}
			require.Len(t, p.told, p.n)
			times = append(times, page)
			return nil
		})
		done := make(chan struct{})
		go func() { g.run(t.Context()); close(done) }()
		var want []string
		at := int64(0)
		for n := range 60 {
			if r.IntN(3) > 0 || round%2 == 0 && n > 20 && n < 40 {
				at += r.Int64N(2)
			}
			p, err := g.at(t.Context(), at)
			require.NoError(t, err)
			e := p.slot()
			e.User, e.Time = fmt.Sprint(n), at
			p.n++
			p.told = append(p.told, deliveredRow{0, uint64(n)})
			want = append(want, e.User)
		}
		require.NoError(t, g.drain(t.Context()))
		g.close()
		<-done
		require.Equal(t, want, committed)
		for i, page := range times {
			oneTime := page[0] == page[len(page)-1]
			require.True(t, len(page) <= size || oneTime, "page %d: %v", i, page)
			if i > 0 {
				before := times[i-1]
				require.NotEqual(t, before[len(before)-1], page[0], "a timestamp is split over pages %d and %d", i-1, i)
			}
		}
	}
}

func TestAfterAFailureNothingIsCommittedUntilTheDrain(t *testing.T) {
	full := fmt.Errorf("disk full")
	commits := 0
	g := newPager(1, func(context.Context, []session.Event) error { return nil }, func(context.Context, *page) error {
		commits++
		return full
	})
	done := make(chan struct{})
	go func() { g.run(t.Context()); close(done) }()
	var err error
	for at := int64(0); err == nil && at < 100; at++ {
		var p *page
		if p, err = g.at(t.Context(), at); err == nil {
			p.slot()
			p.n++
		}
	}
	require.ErrorIs(t, err, full)
	require.ErrorIs(t, g.drain(t.Context()), full)
	require.Equal(t, 1, commits)
	require.NoError(t, g.drain(t.Context()))
	g.close()
	<-done
}
