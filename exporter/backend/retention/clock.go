package retention

import (
	"math"
	"sync"
	"time"
)

const (
	// settleTime is how long a clock that has leapt must go on before it is believed: a wrong one is put right within minutes, as a rule.
	settleTime = 10 * time.Minute
	// noteInterval is how old what a store has noted becomes, at most.
	noteInterval = 10 * time.Minute
	// distantFuture is how far ahead a record must be dated to be called wrong.
	distantFuture = 24 * time.Hour
)

// leapFollowedAtOnce is how far a clock may be off, ahead or behind, without a question: a weekend with a ttl of a year.
func leapFollowedAtOnce(ttl time.Duration) time.Duration { return max(ttl/100, time.Minute) }

func leapFollowedLater(ttl time.Duration) time.Duration { return max(ttl/4, time.Hour) }

// clockState is what a clock looks like beside the time that has passed.
type clockState int

const (
	clockFollowed clockState = iota
	clockSettling
	clockAhead
	clockBehind
)

// countingClock is the time that ttl counts from. It goes on as the monotonic clock does, and is set by the wall clock only where that is believed.
type countingClock struct {
	now     func() time.Time
	elapsed func() time.Duration // by the monotonic clock

	mu      sync.Mutex
	counted time.Time     // when it was set last; zero: never
	at      time.Duration // elapsed then

	leap   time.Duration // that is waited with; 0: none
	leapAt time.Duration // elapsed when it was seen first
}

// believedTime never runs ahead of the wall clock, and never leaps with it.
func (c *countingClock) believedTime() time.Time { return c.wallOrExpected(time.Time.Before) }

// latestTime is for a clock that was put back, which must not date all records in the future.
func (c *countingClock) latestTime() time.Time { return c.wallOrExpected(time.Time.After) }

func (c *countingClock) wallOrExpected(isBetter func(expected, wall time.Time) bool) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if expected := c.expectedTime(); !c.counted.IsZero() && isBetter(expected, now) {
		return expected
	}
	return now
}

// expectedTime is where time has got to since it was set. The lock is held.
func (c *countingClock) expectedTime() time.Time { return c.counted.Add(c.elapsed() - c.at) }

func (c *countingClock) setTime(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counted, c.at, c.leap = t, c.elapsed(), 0
}

// compareClocks says what the wall clock looks like beside what has elapsed, or beside what a store has noted; zero: it has noted nothing.
func (c *countingClock) compareClocks(wall, noted time.Time, ttl time.Duration) (state clockState, expected time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted.IsZero() {
		if c.counted, c.at = wall, c.elapsed(); !noted.IsZero() {
			c.counted = noted
		}
	}
	expected = c.expectedTime()
	off, atOnce := wall.Sub(expected), leapFollowedAtOnce(ttl)
	isExplained := isWithin(off, atOnce) ||
		!noted.IsZero() && isWithin(wall.Sub(noted), atOnce+noteInterval) // another program goes by this clock too
	switch {
	case isExplained:
		return clockFollowed, expected
	case !isWithin(off, leapFollowedLater(ttl)):
		c.leap = 0
		if off > 0 {
			return clockAhead, expected
		}
		return clockBehind, expected
	case c.leap == 0 || !isWithin(off-c.leap, atOnce):
		c.leap, c.leapAt = off, c.elapsed()
	case c.elapsed()-c.leapAt >= settleTime:
		return clockFollowed, expected
	}
	return clockSettling, expected
}

// BoundedUnixNano since 1970 of a moment, and the least or largest number where it is too far away for that.
func BoundedUnixNano(t time.Time) int64 {
	switch {
	case t.Year() < 1680:
		return math.MinInt64
	case t.Year() > 2260:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func isWithin(off, limit time.Duration) bool { return off.Abs() <= limit }

// NewElapsedClock makes a clock of what has passed since, which nobody can set.
func NewElapsedClock() func() time.Duration {
	begin := time.Now()
	return func() time.Duration { return time.Since(begin) }
}
