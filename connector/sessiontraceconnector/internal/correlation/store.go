package correlation

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Limits bound what a [Store] remembers and how far apart two things may be that belong together.
type Limits struct {
	MaxSessions int
	MaxBytes    int64         // of logins and spans together; a quarter is for the spans
	TTL         time.Duration // a session without a logout is forgotten so long after it was last heard of
	Idle        time.Duration // address and port prove nothing of a session that was not heard of for so long
	Lateness    time.Duration // ended sessions, failed logins and spans are remembered for so long
	Window      time.Duration // between a login and a span of the same user and address; 0 for no such guesses
	Tolerance   time.Duration // by which the clocks of sources and applications may differ
}

// leastPatience is how long other logins of the same moment may take to arrive: a few polls of a source.
const leastPatience = 10 * time.Second

// node is what writes one log: each node of a cluster has its own, read at its own pace.
type node struct{ system, instance, host string }

// maxNodes bounds the nodes whose newest record is known. Senders may make up as many as they like.
const maxNodes = 4096

// Store remembers logins and spans. It is safe for concurrent use: a [Batch] holds it for as long as it lasts.
type Store struct {
	hasher
	limits Limits
	began  time.Time

	mu        sync.Mutex
	logins    *logins
	spans     *spanMemory
	undecided queue          // logins whose trace may still be found without a new span
	latest    map[node]int64 // the newest record of each node, by its clock
	patience  int64          // how long a login stays undecided
	pending   queue          // logins whose update is to be told
	updates   bool           // somebody takes updates
	stats     Stats
	now       int64 // of the batch: nanoseconds since began
	wall      int64 // of the batch: nanoseconds since 1970
}

// Stats count since the store was made, but for Sessions and Bytes, which are of now.
type Stats struct {
	Spans, Records, Updates [kinds]int64 // matches by evidence
	Ambiguous               [kinds]int64 // clues that pointed at several
	EvictedSessions         int64        // logins forgotten before their time, for want of room
	EvictedSpans            int64
	DroppedUpdates          int64 // forgotten before they were delivered
	Sessions, Bytes         int64
}

// NewStore makes an empty store.
func NewStore(limits Limits, now time.Time) *Store {
	s := &Store{hasher: hasher{maphash.MakeSeed()}, limits: limits, began: now, logins: newLogins()}
	s.spans = newSpanMemory(limits.MaxBytes/4, uint32((limits.Lateness+limits.Window)/time.Second)+1)
	s.undecided.limit, s.pending.limit = limits.MaxSessions, limits.MaxSessions
	s.latest, s.patience = map[node]int64{}, int64(max(limits.Window, leastPatience))
	return s
}

// Batch is the store, held by its caller until End.
type Batch struct{ s *Store }

// Begin holds the store.
func (s *Store) Begin(now time.Time) Batch {
	s.mu.Lock()
	s.now, s.wall = int64(now.Sub(s.began)), now.UnixNano()
	return Batch{s}
}

// End lets the store go. It tells whether updates wait for [Batch.Take].
func (b Batch) End() (waiting bool) {
	waiting = b.s.pending.len() > 0
	b.s.mu.Unlock()
	return waiting
}

// TakeUpdates makes the store keep updates for [Batch.Take], or stop to: then nobody fetches what waits.
func (b Batch) TakeUpdates(yes bool) {
	s := b.s
	s.updates = yes
	for !yes && s.pending.len() > 0 {
		h, _ := s.pending.peek()
		s.pending.pop()
		if l, ok := s.resolve(h); ok {
			l.pending = false
			s.stats.DroppedUpdates++
		}
	}
}

// Stats are the figures so far.
func (b Batch) Stats() Stats {
	s := b.s
	stats := s.stats
	stats.EvictedSpans = s.spans.evicted
	stats.Sessions, stats.Bytes = int64(s.logins.used), s.logins.bytes+s.spans.bytes()
	return stats
}

// Open hands out how many sessions last on each server.
func (b Batch) Open(yield func(Place, int64)) {
	for p, n := range b.s.logins.open {
		yield(p, n)
	}
}

// Began tells when a session began, by its source's clock.
func (b Batch) Began(key session.ID) (int64, bool) {
	i, ok := b.s.logins.byID[key]
	if !ok {
		return 0, false
	}
	return b.s.logins.at(i).start, true
}

// Sweep forgets what is over and decides what waited for its window to pass.
func (b Batch) Sweep() {
	s := b.s
	s.expire(&s.logins.over, s.limits.Lateness)
	s.expire(&s.logins.lasting, s.limits.TTL)
	for {
		h, ok := s.undecided.peek()
		if !ok || h.due > s.now {
			return
		}
		s.undecided.pop()
		if l, ok := s.resolve(h); ok && l.by == noTrace {
			s.decide(h.place, l)
		}
	}
}

func (s *Store) decide(i int32, l *login) {
	if seen, by, ok := s.find(l, i, true, true); ok {
		l.trace, l.span, l.by = seen.trace, seen.span, by
		s.announce(i, l)
	}
}

func (s *Store) expire(from *list, after time.Duration) {
	for from.back != nobody && s.logins.at(from.back).seen+int64(after) < s.now {
		s.forget(from.back)
	}
}

// makeRoom forgets what can best be spared until another login fits.
func (s *Store) makeRoom(bytes int64) {
	room := s.limits.MaxBytes - s.spans.bytes()
	for s.logins.used > 0 && (s.logins.used >= s.limits.MaxSessions || s.logins.bytes+bytes > room) {
		victim := s.logins.over.back
		if victim == nobody {
			victim = s.logins.lasting.back
		}
		s.stats.EvictedSessions++
		s.forget(victim)
	}
}

func (s *Store) forget(i int32) {
	if s.logins.at(i).pending {
		s.stats.DroppedUpdates++
	}
	s.logins.forget(i)
}
