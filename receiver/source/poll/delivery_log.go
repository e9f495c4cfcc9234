package poll

import (
	"slices"
	"sync"
)

// deliveryLog is the account of what was delivered: recent days minute by minute, older ones as one sum each, so that it does
// not grow with the rows. The reader looks things up while batches are committed: hence the lock.
type deliveryLog struct {
	mu   sync.Mutex
	days map[int64]*deliveredDay // by start
	ids  map[int64]*minuteIDs    // by start of the minute
}

// deliveredDay is what was delivered of 24 hours UTC. Its minutes are stored apart.
type deliveredDay struct {
	Compacted bool            // Total counts, minutes are forgotten
	Total     Tally           // of a compacted day
	minutes   map[int64]Tally // by start, of one that is not compacted; whole minutes only
}

// minuteIDs are the delivered rows of one recent minute, 8 bytes of each.
type minuteIDs struct {
	sorted []uint64 // never changed in place: readers hold it
	chunks int      // in the store
}

func newDeliveryLog() *deliveryLog {
	return &deliveryLog{days: map[int64]*deliveredDay{}, ids: map[int64]*minuteIDs{}}
}

func (l *deliveryLog) dayTally(start int64) Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[start]
	if d == nil {
		return Tally{}
	}
	if d.Compacted {
		return d.Total
	}
	var t Tally
	for _, m := range d.minutes {
		t = t.sumWith(m)
	}
	return t
}

func (l *deliveryLog) deliveredWithin(r TimeRange) (rows uint64) {
	if day := floorToWidth(r.From, DayMicros); l.isCompacted(day) {
		return l.dayTally(day).Count // of all of the day
	}
	for _, t := range l.minuteTallies(r) {
		rows += t.Count
	}
	return rows
}

// minuteTallies are by the start of the minute. r lies within one day.
func (l *deliveryLog) minuteTallies(r TimeRange) map[int64]Tally {
	tallies := map[int64]Tally{}
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[floorToWidth(r.From, DayMicros)]
	if d == nil || d.Compacted {
		return tallies
	}
	for start, t := range d.minutes {
		if start >= r.From && start < r.To {
			tallies[start] = t
		}
	}
	return tallies
}

func (l *deliveryLog) dayStarts() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]int64, 0, len(l.days))
	for start := range l.days {
		out = append(out, start)
	}
	slices.Sort(out)
	return out
}

func (l *deliveryLog) isCompacted(day int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[day]
	return d != nil && d.Compacted
}

func (l *deliveryLog) recordMinute(start int64, t Tally) (newDay bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	day := floorToWidth(start, DayMicros)
	d := l.days[day]
	// All of a compacted day is delivered again.
	if d == nil || d.Compacted {
		if t.Count == 0 {
			return false
		}
		d = &deliveredDay{minutes: map[int64]Tally{}}
		l.days[day] = d
		newDay = true
	}
	if t.Count == 0 {
		delete(d.minutes, start)
	} else {
		d.minutes[start] = t
	}
	return newDay
}

// compactDay makes one sum of a day, or forgets a day without rows.
func (l *deliveryLog) compactDay(start int64, total Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if total.Count == 0 {
		delete(l.days, start)
		return
	}
	l.days[start] = &deliveredDay{Compacted: true, Total: total}
}

// deliveredIDs are those of a minute, sorted; nil when none are kept.
func (l *deliveryLog) deliveredIDs(minute int64) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.ids[minute]; k != nil {
		return k.sorted
	}
	return nil
}

// addMinuteIDs returns the number of the chunk under which they are to be stored, from 0.
func (l *deliveryLog) addMinuteIDs(minute int64, added []uint64) (chunk int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.ids[minute]
	if k == nil {
		k = &minuteIDs{}
		l.ids[minute] = k
	}
	k.sorted = mergeSorted(k.sorted, added)
	k.chunks++
	return k.chunks - 1
}

func mergeSorted(sorted, added []uint64) []uint64 {
	slices.Sort(added)
	out := make([]uint64, 0, len(sorted)+len(added))
	for len(sorted) > 0 && len(added) > 0 {
		if sorted[0] <= added[0] {
			out, sorted = append(out, sorted[0]), sorted[1:]
		} else {
			out, added = append(out, added[0]), added[1:]
		}
	}
	return append(append(out, sorted...), added...)
}

func (l *deliveryLog) dropIDs(before int64) (chunksByMinute map[int64]int) {
	chunksByMinute = map[int64]int{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for minute, k := range l.ids {
		if minute < before {
			chunksByMinute[minute] = k.chunks
			delete(l.ids, minute)
		}
	}
	return chunksByMinute
}
