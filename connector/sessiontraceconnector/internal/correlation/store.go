package correlation

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Limits bound what a [Store] remembers and how far apart two things may be that belong together.
type Limits struct {
	MaxSessions int
	MaxBytes    int64         // of logins and spans together; a quarter is for the spans
	TTL         time.Duration // a session without a logout is forgotten so long after it was last seen
	Idle        time.Duration // address and port prove nothing of a session that was not seen for so long
	Lateness    time.Duration // ended sessions, failed logins and spans are remembered for so long
	Window      time.Duration // between a login and a span of the same user and address; 0 for no such guesses
	Tolerance   time.Duration // by which the clocks of sources and applications may differ
}

// minDecisionDelay is how long other logins of the same moment may take to arrive: a few polls of a source.
const minDecisionDelay = 10 * time.Second

// logNode is what writes one log: each node of a cluster has its own, read at its own pace.
type logNode struct{ system, instance, host string }

// maxLogNodes bounds the nodes whose newest record is known. Senders may make up as many as they like.
const maxLogNodes = 4096

// storeClock is the time of a batch.
type storeClock struct {
	now  int64 // nanoseconds since the store was made
	wall int64 // nanoseconds since 1970
}

// Store remembers logins and spans. It is safe for concurrent use: a [LockedStore] holds it for as long as it lasts.
type Store struct {
	keyHasher
	limits Limits
	began  time.Time

	mu sync.Mutex
	storeClock
	logins        *loginMemory
	spans         *spanMemory
	undecided     *list.List        // of *login whose trace may still be found without a new span, by decideAt
	updates       *list.List        // of *login whose update is to be delivered
	takesUpdates  bool              // somebody does
	readUntil     map[logNode]int64 // the newest record of each node, by its clock
	decisionDelay int64             // how long a login stays undecided
	stats         Stats
}

// Stats count since the store was made, but for Sessions and Bytes, which are of now.
type Stats struct {
	Spans, Records, Updates [evidenceCount]int64 // matches by evidence
	Ambiguous               [evidenceCount]int64 // attributes that matched several
	EvictedSessions         int64                // logins forgotten before their time, for want of room
	EvictedSpans            int64
	DroppedUpdates          int64 // forgotten before they were delivered
	Sessions, Bytes         int64
}

// NewStore makes an empty store.
func NewStore(limits Limits, now time.Time) *Store {
	return &Store{
		keyHasher: keyHasher{maphash.MakeSeed()}, limits: limits, began: now,
		logins: newLoginMemory(), spans: newSpanMemory(limits.MaxBytes/4, int64(limits.Lateness+limits.Window)),
		undecided: list.New(), updates: list.New(),
		readUntil: map[logNode]int64{}, decisionDelay: int64(max(limits.Window, minDecisionDelay)),
	}
}

// LockedStore is the store, held by its caller until End.
type LockedStore struct{ s *Store }

// Begin holds the store.
func (s *Store) Begin(now time.Time) LockedStore {
	s.mu.Lock()
	s.storeClock = storeClock{int64(now.Sub(s.began)), now.UnixNano()}
	return LockedStore{s}
}

// End unlocks the store. waiting: there are updates for [LockedStore.TakeUpdates].
func (b LockedStore) End() (waiting bool) {
	waiting = b.s.updates.Len() > 0
	b.s.mu.Unlock()
	return waiting
}

// KeepUpdates makes the store keep updates for [LockedStore.TakeUpdates], or stop to: then nobody fetches what waits.
func (b LockedStore) KeepUpdates(yes bool) {
	s := b.s
	s.takesUpdates = yes
	for !yes && s.updates.Len() > 0 {
		s.removeUpdate(s.updates.Front().Value.(*rememberedLogin))
		s.stats.DroppedUpdates++
	}
}

// Stats are the figures so far.
func (b LockedStore) Stats() Stats {
	s := b.s
	stats := s.stats
	stats.EvictedSpans = s.spans.evicted
	stats.Sessions, stats.Bytes = int64(len(s.logins.byID)), s.logins.bytes+s.spans.bytes
	return stats
}

// Open hands out how many sessions last on each server.
func (b LockedStore) Open(yield func(ServerInstance, int64)) {
	for p, n := range b.s.logins.openSessions {
		yield(p, n)
	}
}

// Began is a session's start, by its source's clock.
func (b LockedStore) Began(key session.ID) (int64, bool) {
	l, ok := b.s.logins.byID[key]
	if !ok {
		return 0, false
	}
	return l.start, true
}

// Sweep forgets what is over and decides what waited for its window to pass.
func (b LockedStore) Sweep() {
	s := b.s
	s.expireLogins(s.logins.ended, s.limits.Lateness)
	s.expireLogins(s.logins.lasting, s.limits.TTL)
	s.spans.expireTraces(s.storeClock)
	for e := s.undecided.Front(); e != nil; e = s.undecided.Front() {
		l := e.Value.(*rememberedLogin)
		if l.decideAt > s.now {
			return
		}
		s.removeUndecided(l)
		s.decideTrace(l)
	}
}

func (s *Store) decideTrace(l *rememberedLogin) {
	if l.by != noTrace {
		return
	}
	if seen, by, ok := s.traceOfLogin(l, l, true, true); ok {
		l.trace, l.span, l.by = seen.trace, seen.span, by
		s.queueUpdate(l)
	}
}

func (s *Store) expireLogins(logins *list.List, after time.Duration) {
	for l := oldestLogin(logins); l != nil && l.lastSeen+int64(after) < s.now; l = oldestLogin(logins) {
		s.forgetLogin(l)
	}
}

func (s *Store) evictUntilRoom(bytes int64) {
	room := s.limits.MaxBytes - s.spans.limit
	for n := len(s.logins.byID); n > 0 && (n >= s.limits.MaxSessions || s.logins.bytes+bytes > room); n-- {
		victim := oldestLogin(s.logins.ended)
		if victim == nil {
			victim = oldestLogin(s.logins.lasting)
		}
		s.stats.EvictedSessions++
		s.forgetLogin(victim)
	}
}

func (s *Store) forgetLogin(l *rememberedLogin) {
	if l.update != nil {
		s.removeUpdate(l)
		s.stats.DroppedUpdates++
	}
	s.removeUndecided(l)
	s.logins.removeLogin(l)
}

func (s *Store) removeUpdate(l *rememberedLogin) {
	s.updates.Remove(l.update)
	l.update = nil
}

func (s *Store) removeUndecided(l *rememberedLogin) {
	if l.undecided != nil {
		s.undecided.Remove(l.undecided)
		l.undecided = nil
	}
}
