package correlation

import "unsafe"

// ways is how many sightings a set holds; their keys fill one line of a processor's cache.
const ways = 8

// perKey is how many traces of one key are kept: the first ones, since a session's login belongs to its first trace, and
// the latest. One busy session can so never push all others out of its set.
const perKey = 4

// sighting is a trace seen under a key: its first span that bore the key, and how long spans of it did.
type sighting struct {
	trace      [16]byte
	span       [8]byte
	start, end int64
	traits
	seen uint32 // seconds, by the clock of the store
}

// spanSet is what one range of keys shares. A set that is full gives up the sighting that was seen least recently.
type spanSet struct {
	keys [ways]uint64
	at   [ways]sighting
}

// spanMemory is a table of fixed size: what it remembers costs no allocation, and no more memory than it began with.
type spanMemory struct {
	sets    []spanSet
	mask    uint64
	keepFor uint32 // seconds
	evicted int64  // sightings given up before their time
}

// newSpanMemory uses at most so many bytes, rounded down to a power of two of sets.
func newSpanMemory(bytes int64, keepFor uint32) *spanMemory {
	n := uint64(1)
	for n*2*uint64(unsafe.Sizeof(spanSet{})) <= uint64(bytes) {
		n *= 2
	}
	return &spanMemory{sets: make([]spanSet, n), mask: n - 1, keepFor: keepFor}
}

// bytes is what the table takes.
func (m *spanMemory) bytes() int64 { return int64(len(m.sets)) * int64(unsafe.Sizeof(spanSet{})) }

func (m *spanMemory) set(key uint64) *spanSet { return &m.sets[key>>8&m.mask] }

func (m *spanMemory) fresh(s *sighting, now uint32) bool { return now-s.seen <= m.keepFor }

// add remembers that a trace was seen under a key.
func (m *spanMemory) add(key uint64, s *sighting) {
	set := m.set(key)
	same, latest, free, oldest := 0, -1, -1, 0
	for i, k := range set.keys {
		at := &set.at[i]
		switch {
		case k == 0 || !m.fresh(at, s.seen):
			free = i
			continue
		case k == key && at.trace == s.trace:
			at.extend(s)
			return
		case k == key:
			if same++; latest < 0 || at.start > set.at[latest].start {
				latest = i
			}
		}
		if at.seen < set.at[oldest].seen {
			oldest = i
		}
	}
	switch {
	case same >= perKey:
		free = latest
	case free < 0:
		free = oldest
		m.evicted++
	}
	set.keys[free], set.at[free] = key, *s
}

// extend takes another span of the same trace in.
func (s *sighting) extend(o *sighting) {
	s.seen = o.seen
	s.end = max(s.end, o.end)
	if o.start < s.start {
		s.start, s.span = o.start, o.span
	}
}

// each hands out what is remembered under a key, in no order, until yield says no.
func (m *spanMemory) each(key uint64, now uint32, yield func(*sighting) bool) {
	set := m.set(key)
	for i, k := range set.keys {
		if k == key && m.fresh(&set.at[i], now) && !yield(&set.at[i]) {
			return
		}
	}
}
