package poll

import (
	"slices"
	"sync"
)

// deliveryLog is the account of what was delivered: recent days minute by minute, older ones as one sum each, so that it does
// not grow with the rows. The reader looks things up in it while the committer writes: hence the lock.
type deliveryLog struct {
	mu   sync.Mutex
	days map[int64]*day // by start
	ids  map[int64]*ids // by start of the minute
}

// day is what was delivered of 24 hours UTC.
type day struct {
	folded  bool            // total counts, minutes are forgotten
	total   Tally           // of a folded day
	minutes map[int64]Tally // by start, of one that is not folded; whole minutes only
}

// ids are the rows of one recent minute that were told, 8 bytes of each.
type ids struct {
	sorted []uint64 // never changed in place: readers hold it
	chunks int      // in the store
}

func newDeliveryLog() *deliveryLog {
	return &deliveryLog{days: map[int64]*day{}, ids: map[int64]*ids{}}
}

// ofDay is what was delivered of a day.
func (l *deliveryLog) ofDay(start int64) Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[start]
	if d == nil {
		return Tally{}
	}
	if d.folded {
		return d.total
	}
	var t Tally
	for _, m := range d.minutes {
		t = t.plus(m)
	}
	return t
}

// ofMinutes is what was delivered within r, minute by minute, into which is written and returned.
func (l *deliveryLog) ofMinutes(r Range, into map[int64]Tally) map[int64]Tally {
	clear(into)
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[floor(r.From, Day)]
	if d == nil || d.folded {
		return into
	}
	for start, t := range d.minutes {
		if start >= r.From && start < r.To {
			into[start] = t
		}
	}
	return into
}

// starts are the days that the delivery log has, in order.
func (l *deliveryLog) starts() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]int64, 0, len(l.days))
	for start := range l.days {
		out = append(out, start)
	}
	slices.Sort(out)
	return out
}

func (l *deliveryLog) isFolded(start int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.days[start]
	return d != nil && d.folded
}

// setMinute enters a minute that was wholly delivered. A folded day is opened again: it is being told anew.
func (l *deliveryLog) setMinute(start int64, t Tally) (opened bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := floor(start, Day)
	d := l.days[at]
	if d == nil || d.folded {
		if t.Count == 0 {
			return false
		}
		d = &day{minutes: map[int64]Tally{}}
		l.days[at] = d
		opened = true
	}
	if t.Count == 0 {
		delete(d.minutes, start)
	} else {
		d.minutes[start] = t
	}
	return opened
}

// compact makes one sum of a day, or forgets it when there is nothing in it.
func (l *deliveryLog) compact(start int64, total Tally) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if total.Count == 0 {
		delete(l.days, start)
		return
	}
	l.days[start] = &day{folded: true, total: total}
}

// known are the ids of a minute, sorted; nil when none are kept.
func (l *deliveryLog) known(minute int64) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.ids[minute]; k != nil {
		return k.sorted
	}
	return nil
}

// remember adds ids to a minute and returns the number of the chunk under which they are to be stored.
func (l *deliveryLog) remember(minute int64, fresh []uint64) (chunk int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.ids[minute]
	if k == nil {
		k = &ids{}
		l.ids[minute] = k
	}
	k.sorted = merge(k.sorted, fresh)
	k.chunks++
	return k.chunks - 1
}

// merge makes one sorted list of a sorted one and another, which it sorts.
func merge(sorted, fresh []uint64) []uint64 {
	slices.Sort(fresh)
	out := make([]uint64, 0, len(sorted)+len(fresh))
	for len(sorted) > 0 && len(fresh) > 0 {
		if sorted[0] <= fresh[0] {
			out, sorted = append(out, sorted[0]), sorted[1:]
		} else {
			out, fresh = append(out, fresh[0]), fresh[1:]
		}
	}
	return append(append(out, sorted...), fresh...)
}

// minutesWithIDs are the minutes before a time of which ids are kept.
func (l *deliveryLog) minutesWithIDs(before int64) []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []int64
	for minute := range l.ids {
		if minute < before {
			out = append(out, minute)
		}
	}
	slices.Sort(out)
	return out
}

// forget drops a minute's ids and returns how many chunks of them are stored.
func (l *deliveryLog) forget(minute int64) (chunks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if k := l.ids[minute]; k != nil {
		chunks = k.chunks
	}
	delete(l.ids, minute)
	return chunks
}
