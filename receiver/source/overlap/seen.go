// Package overlap remembers what was read of a source that is asked again for the newest part of what it has, because some of that comes late.
package overlap

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// idHash stands for the id of an item.
type idHash uint64

func hashID(id string) idHash {
	sum := sha256.Sum256([]byte(id))
	return idHash(binary.LittleEndian.Uint64(sum[:]))
}

// SeenItems are the items of the overlap that were read, with their times in milliseconds since 1970 UTC. It takes some 40 bytes of memory for each,
// and some 10 when it is stored.
type SeenItems struct{ times map[idHash]int64 }

// Len is how many there are.
func (s *SeenItems) Len() int { return len(s.times) }

// Contains reports whether an item was read.
func (s *SeenItems) Contains(id string) bool {
	_, known := s.times[hashID(id)]
	return known
}

// Add notes that an item was read, and reports whether it was not before.
func (s *SeenItems) Add(id string, millis int64) (isNew bool) {
	h := hashID(id)
	if _, known := s.times[h]; known {
		return false
	}
	if s.times == nil {
		s.times = map[idHash]int64{}
	}
	s.times[h] = millis
	return true
}

// Forget forgets what is older than begin, and the oldest of more than most. It returns the time from which on all are known.
func (s *SeenItems) Forget(begin int64, most int) (knownFrom int64) {
	for h, millis := range s.times {
		if millis < begin {
			delete(s.times, h)
		}
	}
	if len(s.times) <= most {
		return begin
	}
	times := make([]int64, 0, len(s.times))
	for _, millis := range s.times {
		times = append(times, millis)
	}
	slices.Sort(times)
	knownFrom = min(times[len(times)-most-1]+1, times[len(times)-1]) // all of one millisecond or none
	for h, millis := range s.times {
		if millis < knownFrom {
			delete(s.times, h)
		}
	}
	return knownFrom
}

type seenItem struct {
	millis int64
	hash   idHash
}

// Encode gives what is stored: the differences of the times, and the hashes.
func (s *SeenItems) Encode() []byte {
	list := make([]seenItem, 0, len(s.times))
	for h, millis := range s.times {
		list = append(list, seenItem{millis, h})
	}
	slices.SortFunc(list, func(a, b seenItem) int { return int(a.millis - b.millis) })
	out, last := make([]byte, 0, 10*len(list)), int64(0)
	for _, e := range list {
		out = binary.AppendUvarint(out, uint64(e.millis-last))
		out = binary.LittleEndian.AppendUint64(out, uint64(e.hash))
		last = e.millis
	}
	return out
}

// ErrTorn is the error of [Decode] for a text that ends within an item.
var ErrTorn = errors.New("the stored ids are torn")

// Decode reads what Encode gave; nothing is nothing seen.
func Decode(data []byte) (SeenItems, error) {
	s := SeenItems{times: map[idHash]int64{}}
	for millis := int64(0); len(data) > 0; {
		step, n := binary.Uvarint(data)
		if n <= 0 || len(data) < n+8 {
			return s, ErrTorn
		}
		millis += int64(step)
		s.times[idHash(binary.LittleEndian.Uint64(data[n:]))] = millis
		data = data[n+8:]
	}
	return s, nil
}
