package correlation

import (
	"math"
	"math/bits"
	"unsafe"
)

// ways is how many sightings a set holds: their tags and ages fill one line of a processor's cache, and each sighting another.
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
	ousted uint32 // when the last trace ended whose place it took, in whole seconds since 1970; 0 where it took none
}

// spanSet is what one range of keys shares. A set that is full gives up the sighting that was seen least recently. What is
// looked at for every span stands apart from what is looked at for a match.
type spanSet struct {
	tags [ways]uint32 // of the keys; 0 where nothing is
	seen [ways]uint32 // seconds, by the clock of the store
	at   [ways]struct {
		key uint64
		sighting
	}
}

// spanMemory is a table of fixed size: what it remembers costs no allocation, and no more memory than it began with.
type spanMemory struct {
	sets    []spanSet
	lost    []uint32 // by set: when the last span ended that was given up for want of room, in whole seconds since 1970
	keepFor uint32   // seconds
	evicted int64    // sightings given up before their time
	fetched uint32   // of no meaning: it keeps the compiler from leaving fetch out
}

// newSpanMemory uses at most so many bytes, but for a single set.
func newSpanMemory(bytes int64, keepFor uint32) *spanMemory {
	n := max(1, bytes/perSet)
	return &spanMemory{sets: make([]spanSet, n), lost: make([]uint32, n), keepFor: keepFor}
}

// perSet is what a set takes, with its place in lost.
const perSet = int64(unsafe.Sizeof(spanSet{}) + unsafe.Sizeof(uint32(0)))

// bytes is what the table takes.
func (m *spanMemory) bytes() int64 { return int64(len(m.sets)) * perSet }

// set spreads keys evenly over the sets: the product's upper half is below their number. The key's lower half is the tag.
func (m *spanMemory) set(key uint64) (*spanSet, uint32) {
	return &m.sets[m.number(key)], uint32(key) | 1
}

func (m *spanMemory) number(key uint64) uint64 {
	i, _ := bits.Mul64(key, uint64(len(m.sets)))
	return i
}

// fetch asks for the sets of many keys at once. They lie far apart in memory: asked for one after another, each would be
// waited for.
func (m *spanMemory) fetch(spans []Span) {
	var tags uint32
	for i := range spans {
		for _, key := range spans[i].keys {
			if key != 0 {
				set, _ := m.set(key)
				tags += set.tags[0]
			}
		}
	}
	m.fetched = tags
}

// add remembers that a trace was seen under a key.
func (m *spanMemory) add(key uint64, s *sighting, now uint32) {
	set, tag := m.set(key)
	same, latest, free, oldest := 0, -1, -1, 0
	for i, known := range set.tags {
		if known == 0 || now-set.seen[i] > m.keepFor {
			free = i
			continue
		}
		if known == tag && set.at[i].key == key {
			at := &set.at[i].sighting
			if at.trace == s.trace {
				at.extend(s)
				set.seen[i] = now
				return
			}
			if same++; latest < 0 || at.start > set.at[latest].start {
				latest = i
			}
		}
		if set.seen[i] < set.seen[oldest] {
			oldest = i
		}
	}
	var ousted uint32
	switch {
	case same >= perKey:
		free = latest
		ousted = max(set.at[free].ousted, wholeSeconds(set.at[free].end))
	case free < 0:
		free = oldest
		m.evicted++
		lost := &m.lost[m.number(key)]
		*lost = max(*lost, set.at[free].ousted, wholeSeconds(set.at[free].end))
	}
	set.tags[free], set.seen[free] = tag, now
	set.at[free].key, set.at[free].sighting = key, *s
	set.at[free].ousted = ousted
}

// wholeSeconds rounds up, so that nothing ended later than it says; what cannot be said is as late as can be.
func wholeSeconds(unixNano int64) uint32 {
	if s := unixNano/1e9 + 1; s >= 0 && s < math.MaxUint32 {
		return uint32(s)
	}
	return math.MaxUint32
}

// mayLack tells whether a trace may have been given up that was seen under a key at a time or later: then the one that is
// left need not have been the only one.
func (m *spanMemory) mayLack(key uint64, now uint32, unixNano int64) bool {
	last := m.lost[m.number(key)]
	m.each(key, now, func(c *sighting) bool {
		last = max(last, c.ousted)
		return true
	})
	return last != 0 && int64(last)*1e9 >= unixNano
}

// extend takes another span of the same trace in.
func (s *sighting) extend(o *sighting) {
	s.end = max(s.end, o.end)
	if o.start < s.start {
		s.start, s.span = o.start, o.span
	}
}

// each hands out what is remembered under a key, in no order, until yield says no.
func (m *spanMemory) each(key uint64, now uint32, yield func(*sighting) bool) {
	set, tag := m.set(key)
	for i, known := range set.tags {
		if known == tag && set.at[i].key == key && now-set.seen[i] <= m.keepFor && !yield(&set.at[i].sighting) {
			return
		}
	}
}
