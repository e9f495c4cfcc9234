// Package retention puts a ttl in force: at once where it deletes little, and only when it is confirmed where its first deletion would
// take most of a table. A ttl that was mistyped must not empty a table, nor must a clock that is wrong.
package retention

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
)

// TTLChange is a configured ttl beside what was in force so far.
type TTLChange struct {
	TTL       time.Duration // as configured; 0 keeps everything
	InForce   time.Duration // the last one that was put in force; 0 kept everything
	Confirmed bool          // ttl_confirm
}

// Shortens reports whether records may go that were kept so far, in the whole seconds that the tables remember.
func (l TTLChange) Shortens() bool {
	return l.TTL > 0 && (l.InForce == 0 || TTLSeconds(l.TTL) < TTLSeconds(l.InForce))
}

// ExpiredShare is how much of a table has expired.
type ExpiredShare struct {
	Table          string
	Expired, Total int64
}

func (s ExpiredShare) expiresMajority() bool { return s.Expired*2 > s.Total }

// Guard decides about the ttl of one backend, and what it counts from.
type Guard struct {
	log        *zap.Logger
	conditions *conditionlog.Logger
	clock      countingClock

	following   sync.Mutex    // of what follows
	hasFollowed bool          // FollowClock was called
	serverDue   time.Duration // elapsed, when the server's clock is read again
	futureDue   time.Duration // elapsed, when records of the future are counted again
	// reportedConfirm is whether it was said that ttl_confirm has done its work: once a start.
	reportedConfirm bool

	held atomic.Pointer[[]zap.Field] // what is said while a ttl waits; nil while none does
}

// NewGuard makes a guard whose clock is now; elapsed is one that nobody can set.
func NewGuard(log *zap.Logger, now func() time.Time, elapsed func() time.Duration) *Guard {
	return &Guard{log: log, conditions: conditionlog.New(log, now), clock: countingClock{now: now, elapsed: elapsed}}
}

// Oldest is the time from which on records are kept. It is safe for concurrent use.
func (g *Guard) Oldest(ttl time.Duration) time.Time { return g.clock.believedTime().Add(-ttl) }

// OldestKept is the time in nanoseconds since 1970 from which on events are kept. Older ones are left out: were they let in and dropped again, a
// source that delivers its history over and over would fill and empty the table.
func (g *Guard) OldestKept(ttl time.Duration) int64 {
	if ttl == 0 {
		return math.MinInt64
	}
	return BoundedUnixNano(g.Oldest(ttl))
}

const ttlWaits = "ttl waits"

// Decide says in one line what is older than the limit, and returns the ttl that counts from now on: the configured one or, where its
// first deletion would take more than half of a table and nobody has confirmed that, the one that was in force.
func (g *Guard) Decide(l TTLChange, oldest time.Time, shares []ExpiredShare) time.Duration {
	fields := []zap.Field{zap.Stringer("ttl", l.TTL), zap.Time("older_than", oldest.UTC())}
	expired, majority := int64(0), false
	for _, s := range shares {
		expired += s.Expired
		majority = majority || s.expiresMajority()
		fields = append(fields, zap.Int64("expired_"+s.Table, s.Expired))
		if l.Shortens() {
			fields = append(fields, zap.Int64("total_"+s.Table, s.Total))
		}
	}
	g.held.Store(nil)
	switch {
	case !l.Shortens():
		g.log.Info("ttl: what is older than this is deleted", fields...)
	case majority && !l.Confirmed:
		g.held.Store(&fields)
		g.Remind()
		return l.InForce
	case expired > 0:
		g.log.Warn("ttl is new or shorter than before: what is older than this is deleted now", fields...)
	default:
		g.log.Info("ttl is new or shorter than before: nothing is older than this", fields...)
	}
	if l.Confirmed && TTLSeconds(l.TTL) == TTLSeconds(l.InForce) && !g.reportedConfirm {
		g.reportedConfirm = true
		g.log.Warn("ttl_confirm is no longer needed, for this ttl is in force: take it out, or the next mistake in ttl is not asked about")
	}
	g.conditions.Clear(ttlWaits, "ttl does not wait any more")
	return l.TTL
}

// AwaitsConfirmation reports whether the configured ttl is not in force.
func (g *Guard) AwaitsConfirmation() bool { return g.held.Load() != nil }

// Remind says again that a ttl waits, if one does. It is called as often as the caller likes.
func (g *Guard) Remind() {
	if fields := g.held.Load(); fields != nil {
		g.conditions.Raise(ttlWaits, "ttl is not in force: it would delete more than half of a table, and deletes nothing until that is confirmed. "+
			"If these records may go, write ttl_confirm: true beside ttl; else write a longer ttl, or ttl: 0 to keep everything", *fields...)
	}
}

// TTLSeconds is a ttl as the tables remember it: whole seconds, and never 0 for a ttl that is set.
func TTLSeconds(ttl time.Duration) int64 {
	return int64((ttl + time.Second - 1) / time.Second)
}
