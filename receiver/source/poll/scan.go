package poll

import (
	"cmp"
	"context"
	"slices"
)

const (
	// rowsOfQuery is how many are read by one query when minutes are small: enough that a query's fixed cost does not count, few enough that the
	// server sorts them in little memory.
	rowsOfQuery = 256 << 10
	// batchesOfQuery bounds them for whoever wants batches smaller than the default.
	batchesOfQuery = 32
)

func (p *tablePoller) rowsOfQuery() uint64 {
	if p.cfg.BatchSize < defaultBatch {
		return uint64(batchesOfQuery * p.cfg.BatchSize) //nolint:gosec // validated
	}
	return uint64(max(rowsOfQuery, batchesOfQuery*p.cfg.BatchSize)) //nolint:gosec // validated
}

func (p *tablePoller) scanAllDays(ctx context.Context) error {
	began := p.host.Now()
	days, err := p.daySums(ctx)
	if err != nil {
		return err
	}
	p.schedule.fullScanTook = p.host.Now().Sub(began)
	p.beginBacklog(p.countUndelivered(days))
	for len(days) > 0 {
		taken := 1
		if n := p.undeliveredDays(days); n > 0 {
			taken, err = n, p.readDays(ctx, days[:n])
		} else if p.hasYoungRows(days[0].Start) {
			err = p.compareReadable(ctx, days[0].Start)
		} else {
			err = p.compareDay(ctx, days[0])
		}
		if err != nil {
			return err
		}
		days = days[taken:]
	}
	return nil
}

func (p *tablePoller) daySums(ctx context.Context) ([]Sum, error) {
	for refreshed := false; ; refreshed = true {
		var days []Sum
		sum := p.table.Sums
		if len(p.progress.dayStarts()) == 0 {
			sum = p.countRows // there is nothing to compare hashes with
		}
		if err := sum(ctx, p.wantedRange(), DayMicros, func(s Sum) { days = append(days, s) }); err != nil {
			return nil, err
		}
		fewer := false
		for _, start := range p.progress.dayStarts() {
			at, found := slices.BinarySearchFunc(days, start, func(s Sum, t int64) int { return cmp.Compare(s.Start, t) })
			if !found {
				days = slices.Insert(days, at, Sum{Start: start})
			}
			fewer = fewer || days[at].Count < p.progress.dayTally(start).Count
		}
		if !fewer || refreshed {
			return days, nil
		}
		p.table.Refresh()
	}
}

// countRows is Sums where hashes do not matter.
func (p *tablePoller) countRows(ctx context.Context, r TimeRange, width int64, yield func(Sum)) error {
	if t, ok := p.table.(CountingTable); ok {
		return t.Counts(ctx, r, width, yield)
	}
	return p.table.Sums(ctx, r, width, yield)
}

func (p *tablePoller) undeliveredDays(days []Sum) (n int) {
	// In a backlog spread thinly over years, a query for every day would cost more than the rows.
	rows := uint64(0)
	for _, d := range days {
		rows += d.Count
		if rows > p.rowsOfQuery() || p.progress.dayTally(d.Start).Count > 0 || p.hasYoungRows(d.Start) {
			break
		}
		n++
	}
	return n
}

func (p *tablePoller) readDays(ctx context.Context, days []Sum) error {
	within := TimeRange{days[0].Start, days[len(days)-1].Start + DayMicros}.intersectRange(p.wantedRange())
	if err := p.readRows(ctx, within, minuteGroup{}, nil); err != nil {
		return err
	}
	for _, d := range days {
		if err := p.finishDay(d.Start); err != nil {
			return err
		}
	}
	return nil
}

// finishDay has a day that is old enough accounted for by one sum.
func (p *tablePoller) finishDay(day int64) error {
	if !p.isOldDay(day) {
		return nil
	}
	return p.batches.recordEntry(logEntry{kind: dayFinished, start: day})
}

func (p *tablePoller) isOldDay(day int64) bool {
	return day+DayMicros <= p.now-p.cfg.ReconcileWindow.Microseconds()
}

// hasYoungRows reports whether a day has times that are too young to be read, but not as far ahead as the rows of a clock that
// is wrong.
func (p *tablePoller) hasYoungRows(day int64) bool {
	return p.minAge > 0 && day+DayMicros > p.now && day < p.wrongClock()
}

// wrongClock is the time from which on rows are taken as they are, though they are from the future.
func (p *tablePoller) wrongClock() int64 {
	return floorToWidth(p.now+p.minAge+clockTolerance, MinuteMicros) + MinuteMicros
}

func (p *tablePoller) compareReadable(ctx context.Context, day int64) error {
	for _, r := range []TimeRange{{day, min(p.now, day+DayMicros)}, {max(p.wrongClock(), day), day + DayMicros}} {
		if err := p.compareMinutes(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (p *tablePoller) compareDay(ctx context.Context, d Sum) error {
	delivered, compacted := p.progress.dayTally(d.Start), p.progress.isCompacted(d.Start)
	switch {
	case d.Tally == delivered && compacted:
		return nil
	case d.Tally == delivered:
		return p.finishDay(d.Start)
	case compacted && d.Count < delivered.Count:
		// Expired or truncated. Delivering the rest of the day again with every part that expires would be a flood.
		p.countVanished(d.Start, delivered.Count-d.Count)
		return p.batches.recordEntry(logEntry{kind: dayReplaced, start: d.Start, Tally: d.Tally})
	}
	if err := p.compareMinutes(ctx, TimeRange{d.Start, d.Start + DayMicros}); err != nil {
		return err
	}
	return p.finishDay(d.Start)
}

// compareMinutes compares the minutes of any number of days, and reads those that differ.
func (p *tablePoller) compareMinutes(ctx context.Context, r TimeRange) error {
	if r = r.intersectRange(p.wantedRange()); r.From >= r.To {
		return nil
	}
	for day := floorToWidth(r.From, DayMicros); day < r.To; day += DayMicros {
		part := r.intersectRange(TimeRange{day, day + DayMicros})
		if !p.progress.isCompacted(day) {
			if err := p.compareMinutesOfDay(ctx, part, nil); err != nil {
				return err
			}
			continue
		}
		if err := p.redeliverChangedDay(ctx, day); err != nil {
			return err
		}
	}
	return nil
}

func (p *tablePoller) redeliverChangedDay(ctx context.Context, day int64) error {
	whole := TimeRange{day, day + DayMicros}.intersectRange(p.wantedRange())
	var total Tally
	if err := p.table.Sums(ctx, whole, DayMicros, func(s Sum) { total = total.sumWith(s.Tally) }); err != nil {
		return err
	}
	delivered := p.progress.dayTally(day)
	if total == delivered {
		return nil
	}
	// Nobody knows in which minute it has changed.
	return p.compareMinutesOfDay(ctx, whole, &redeliveredIDs{left: delivered.Count})
}

// compareMinutesOfDay takes ofDay for the redeliveries of a compacted day, nil for any other one.
func (p *tablePoller) compareMinutesOfDay(ctx context.Context, r TimeRange, ofDay *redeliveredIDs) error {
	sums, delivered, err := p.minuteSums(ctx, r)
	if err != nil {
		return err
	}
	var group minuteGroup
	for _, s := range sums {
		before := delivered[s.Start]
		delete(delivered, s.Start)
		if before.Count > s.Count {
			p.countVanished(s.Start, before.Count-s.Count)
		}
		same := before == s.Tally
		if same || group.rows+s.Count > p.rowsOfQuery() {
			if err := p.readGroup(ctx, r, group, ofDay); err != nil {
				return err
			}
			group = minuteGroup{}
		}
		if !same {
			group.addSum(s, before)
		}
	}
	if err := p.readGroup(ctx, r, group, ofDay); err != nil {
		return err
	}
	for start, t := range delivered { // the server has nothing of these minutes any more
		p.countVanished(start, t.Count)
		if err := p.batches.recordEntry(logEntry{kind: minuteDelivered, start: start}); err != nil {
			return err
		}
	}
	return nil
}

func (p *tablePoller) minuteSums(ctx context.Context, r TimeRange) (sums []Sum, delivered map[int64]Tally, err error) {
	for refreshed := false; ; refreshed = true {
		sums = sums[:0]
		if err := p.table.Sums(ctx, r, MinuteMicros, func(s Sum) { sums = append(sums, s) }); err != nil {
			return nil, nil, err
		}
		// A minute under way is in neither: the scans of one poll never overlap, and each poll waits until all is delivered.
		delivered = p.progress.minuteTallies(TimeRange{floorToWidth(r.From, MinuteMicros), r.To})
		if refreshed || !hasFewer(sums, delivered) {
			return sums, delivered, nil
		}
		p.table.Refresh()
	}
}

func hasFewer(sums []Sum, delivered map[int64]Tally) bool {
	found := 0
	for _, s := range sums {
		before, ok := delivered[s.Start]
		if ok {
			found++
		}
		if s.Count < before.Count {
			return true
		}
	}
	return found < len(delivered)
}
