package cloudwatch

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// eventHash stands for the id that CloudWatch gives to an event.
type eventHash uint64

func hashEventID(id string) eventHash {
	sum := sha256.Sum256([]byte(id))
	return eventHash(binary.LittleEndian.Uint64(sum[:]))
}

// seenEvents are the events of the overlap that were read, with their times in milliseconds.
type seenEvents struct{ times map[eventHash]int64 }

// maxSeenEvents bounds the memory and the stored cursor of a stream: some 1.3 MB. Where more events lie within the overlap, it is cut short.
const maxSeenEvents = 1 << 17

func (s *seenEvents) addEvent(id string, millis int64) (isNew bool) {
	h := hashEventID(id)
	if _, known := s.times[h]; known {
		return false
	}
	if s.times == nil {
		s.times = map[eventHash]int64{}
	}
	s.times[h] = millis
	return true
}

// forgetOldest forgets what is older than begin, and the oldest of too many. It returns the time from which on all are known.
func (s *seenEvents) forgetOldest(begin int64, most int) (knownFrom int64) {
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

type seenEvent struct {
	millis int64
	hash   eventHash
}

// encodeEvents writes the differences of the times and the hashes.
func (s *seenEvents) encodeEvents() []byte {
	list := make([]seenEvent, 0, len(s.times))
	for h, millis := range s.times {
		list = append(list, seenEvent{millis, h})
	}
	slices.SortFunc(list, func(a, b seenEvent) int { return int(a.millis - b.millis) })
	out, last := make([]byte, 0, 10*len(list)), int64(0)
	for _, e := range list {
		out = binary.AppendUvarint(out, uint64(e.millis-last))
		out = binary.LittleEndian.AppendUint64(out, uint64(e.hash))
		last = e.millis
	}
	return out
}

var errSeenEvents = errors.New("the stored event ids are torn")

func decodeSeenEvents(data []byte) (seenEvents, error) {
	s := seenEvents{times: map[eventHash]int64{}}
	for millis := int64(0); len(data) > 0; {
		step, n := binary.Uvarint(data)
		if n <= 0 || len(data) < n+8 {
			return s, errSeenEvents
		}
		millis += int64(step)
		s.times[eventHash(binary.LittleEndian.Uint64(data[n:]))] = millis
		data = data[n+8:]
	}
	return s, nil
}
