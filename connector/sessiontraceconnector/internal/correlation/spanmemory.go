package correlation

import (
	"math"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// tracesPerKey are kept: the first ones, since a session's login belongs to its first trace, and the latest.
const tracesPerKey = 4

// seenTrace is a trace that was seen under a key: its first span that bore the key, and how long spans of it did.
type seenTrace struct {
	trace      [16]byte
	span       [8]byte
	start, end int64
	lastSeen   int64 // by the store's clock
	replaced   int64 // when the last trace ended whose place it took; 0 where it took none
	clientTraits
}

const (
	bytesOfTrace = int64(unsafe.Sizeof(seenTrace{}))
	bytesOfKey   = 96 + 32 // an entry of the LRU list, and its part of the map
)

// spanMemory remembers traces by key, least recently seen keys make way.
type spanMemory struct {
	byKey       *simplelru.LRU[uint64, []seenTrace]
	bytes       int64
	limit       int64 // of bytes
	keepFor     int64 // nanoseconds
	evicted     int64 // traces given up before their time
	evictedTime int64 // when the last span ended that was given up before its time, nanoseconds since 1970
}

func newSpanMemory(limit, keepFor int64) *spanMemory {
	byKey, err := simplelru.NewLRU[uint64, []seenTrace](math.MaxInt, nil) // bounded by bytes
	if err != nil {
		panic(err) // for a size below 1 only
	}
	return &spanMemory{byKey: byKey, limit: limit, keepFor: keepFor}
}

func sizeOfTraces(traces []seenTrace) int64 { return bytesOfKey + int64(cap(traces))*bytesOfTrace }

func (m *spanMemory) rememberTrace(key uint64, t seenTrace, clock storeClock) {
	t.lastSeen = clock.now
	known, ok := m.byKey.Get(key)
	if !ok {
		m.bytes += bytesOfKey
	}
	m.bytes -= int64(cap(known)) * bytesOfTrace
	known = m.mergeTrace(known, t)
	m.bytes += int64(cap(known)) * bytesOfTrace
	m.byKey.Add(key, known)
	for m.bytes > m.limit && m.byKey.Len() > 1 {
		m.evictOldest(clock)
	}
}

func (m *spanMemory) mergeTrace(known []seenTrace, t seenTrace) []seenTrace {
	latest := -1
	for i := range known {
		old := &known[i]
		if old.trace == t.trace && !m.hasExpired(old, t.lastSeen) {
			old.extendBySpan(&t)
			return known
		}
		if latest < 0 || old.start > known[latest].start {
			latest = i
		}
	}
	for i := range known {
		if m.hasExpired(&known[i], t.lastSeen) {
			known[i] = t
			return known
		}
	}
	if len(known) < tracesPerKey {
		return append(known, t)
	}
	t.replaced = max(known[latest].replaced, known[latest].end)
	known[latest] = t
	return known
}

func (t *seenTrace) extendBySpan(span *seenTrace) {
	t.end, t.lastSeen = max(t.end, span.end), span.lastSeen
	if span.start < t.start {
		t.start, t.span = span.start, span.span
	}
}

func (m *spanMemory) hasExpired(t *seenTrace, now int64) bool { return now-t.lastSeen > m.keepFor }

// evictOldest forgets what was not seen for longest. A span that claims to end after it was seen counts as ended then: no
// sender can so make all guesses look incomplete.
func (m *spanMemory) evictOldest(clock storeClock) {
	_, traces, _ := m.byKey.RemoveOldest()
	m.bytes -= sizeOfTraces(traces)
	for i := range traces {
		t := &traces[i]
		if m.hasExpired(t, clock.now) {
			continue
		}
		m.evicted++
		seenAt := clock.wall - (clock.now - t.lastSeen)
		m.evictedTime = max(m.evictedTime, min(seenAt, max(t.end, t.replaced)))
	}
}

func (m *spanMemory) expireTraces(clock storeClock) {
	for {
		_, traces, ok := m.byKey.GetOldest()
		if !ok {
			return
		}
		for i := range traces {
			if !m.hasExpired(&traces[i], clock.now) {
				return
			}
		}
		m.evictOldest(clock)
	}
}

func (m *spanMemory) mayLackTraces(key uint64, clock storeClock, unixNano int64) bool {
	last := m.evictedTime
	m.eachTrace(key, clock, func(t *seenTrace) { last = max(last, t.replaced) })
	// What was evicted may have fitted too.
	return last != 0 && last >= unixNano
}

func (m *spanMemory) eachTrace(key uint64, clock storeClock, yield func(*seenTrace)) {
	traces, _ := m.byKey.Peek(key)
	for i := range traces {
		if !m.hasExpired(&traces[i], clock.now) {
			yield(&traces[i])
		}
	}
}
