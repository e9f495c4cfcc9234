package retention

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

const day = 24 * time.Hour

// TestWhatAClockLooksLike after a pause of a length, beside what the store has noted.
func TestWhatAClockLooksLike(t *testing.T) {
	noted := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ttl, off time.Duration
		want     clockState
	}{
		{365 * day, 62 * time.Hour, clockFollowed}, // a weekend
		{30 * day, 62 * time.Hour, clockSettling},
		{7 * day, 12 * time.Hour, clockSettling},
		{90 * day, 23 * day, clockAhead},
		{90 * day, 365 * day, clockAhead},
		{90 * day, -365 * day, clockBehind},
		{90 * day, -15 * day, clockSettling},
		{90 * day, -time.Hour, clockFollowed},
		{time.Hour, 11 * time.Minute, clockFollowed}, // a note may be ten minutes old
		{time.Hour, 59 * time.Minute, clockSettling},
		{time.Hour, 61 * time.Minute, clockAhead},
	} {
		wall := noted.Add(c.off)
		clock := &countingClock{now: func() time.Time { return wall }, elapsed: func() time.Duration { return 0 }}
		state, expected := clock.compareClocks(wall, noted, c.ttl)
		require.Equal(t, c.want, state, "%v with a ttl of %v", c.off, c.ttl)
		require.Equal(t, noted, expected)
	}
}

// TestALeapWithinALeap begins to be waited with anew.
func TestALeapWithinALeap(t *testing.T) {
	wall, elapsed := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), time.Duration(0)
	clock := &countingClock{now: func() time.Time { return wall }, elapsed: func() time.Duration { return elapsed }}
	pass := func(d time.Duration) clockState {
		wall, elapsed = wall.Add(d), elapsed+d
		state, _ := clock.compareClocks(wall, time.Time{}, 100*day)
		return state
	}
	require.Equal(t, clockFollowed, pass(0))
	wall = wall.Add(5 * day)
	require.Equal(t, clockSettling, pass(time.Minute))
	wall = wall.Add(10 * day)
	require.Equal(t, clockSettling, pass(9*time.Minute))
	require.Equal(t, clockSettling, pass(9*time.Minute))
	require.Equal(t, clockFollowed, pass(time.Minute))
}

// TestAStoreThatCannotSay whether something would expire leaves the clock where it was.
func TestAStoreThatCannotSay(t *testing.T) {
	wall := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	g := NewGuard(zap.NewNop(), func() time.Time { return wall }, func() time.Duration { return 0 })
	limit, noted := TTLChange{TTL: 90 * day}, StoredState{TTL: 90 * 86400, CountedFrom: wall.Add(-365 * day).Unix()}
	broken := errors.New("broken")
	m, err := g.FollowClock(wall, limit, noted, func(time.Time, time.Time) (bool, error) { return false, broken })
	require.ErrorIs(t, err, broken)
	require.Equal(t, noted, m)
	require.Equal(t, wall.Add(-(365+90)*day), g.Oldest(limit.TTL).UTC())
}

// TestATTLWithoutANoteIsNew: nothing says what it counted from, so that its first deletion is asked about.
func TestATTLWithoutANoteIsNew(t *testing.T) {
	require.Zero(t, StoredState{TTL: 3600}.InForce())
	require.Equal(t, time.Hour, StoredState{TTL: 3600, CountedFrom: 1}.InForce())
	g := NewGuard(zap.NewNop(), time.Now, NewElapsedClock())
	before := StoredState{TTL: 3600}
	g.Decide(TTLChange{TTL: time.Hour}, time.Now(), []ExpiredShare{{Table: "t", Expired: 2, Total: 3}})
	require.Equal(t, before, g.Conclude(before, StoredState{TTL: 3600, CountedFrom: 5}, time.Hour), "what waits is not remembered as in force")
	require.Zero(t, StoredState{TTL: 3600, CountedFrom: 5}.WithTTL(0))
}
