package poll

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"
)

// readBatches is how many batches are read by one query when minutes are small: enough that a query's fixed cost does not
// count, few enough that the server sorts them in little memory.
const readBatches = 32

// fullScanPass compares all days there are, and sweeps those that differ. At the first start that is the backlog.
func (p *poller) fullScanPass(ctx context.Context) error {
	began := p.host.Now()
	days, err := p.daySums(ctx)
	if err != nil {
		return err
	}
	p.lookedFor = p.host.Now().Sub(began)
	for len(days) > 0 && err == nil {
		if p.isSettling(days[0].Start) {
			err = p.sweepSettled(ctx, days[0].Start)
			days = days[1:]
			continue
		}
		if n := p.unknownDays(days); n > 0 {
			err = p.readDays(ctx, days[:n])
			days = days[n:]
			continue
		}
		err = p.compareDay(ctx, days[0])
		days = days[1:]
	}
	return err
}

// unknownDays is how many of the days, from the first on, the delivery log has nothing of and one query can read. In a backlog
// spread thinly over years, a query for every day would cost more than the rows.
func (p *poller) unknownDays(days []Sum) (n int) {
	rows := uint64(0)
	for _, d := range days {
		rows += d.Count
		if rows > p.readRows() || p.st.ofDay(d.Start).Count > 0 || p.isSettling(d.Start) {
			break
		}
		n++
	}
	return n
}

// isSettling tells whether a day has times that are too young to be read, but not as far ahead as the rows of a clock that
// is wrong.
func (p *poller) isSettling(day int64) bool {
	return p.settle > 0 && day+Day > p.now && day < p.wrongClock()
}

// wrongClock is the time from which on rows are taken as they are, though they are from the future.
func (p *poller) wrongClock() int64 { return floor(p.now+p.settle+ahead, Minute) + Minute }

// sweepSettled compares what of such a day can be read.
func (p *poller) sweepSettled(ctx context.Context, day int64) error {
	for _, r := range []Range{{day, min(p.now, day+Day)}, {max(p.wrongClock(), day), day + Day}} {
		if r = r.and(p.wanted()); r.From >= r.To {
			continue
		}
		if err := p.sweepDay(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func (p *poller) readRows() uint64 { return uint64(readBatches * p.cfg.BatchSize) } //nolint:gosec // validated

// readDays tells all rows of days that the delivery log has nothing of.
func (p *poller) readDays(ctx context.Context, days []Sum) error {
	within := Range{days[0].Start, days[len(days)-1].Start + Day}.and(p.wanted())
	m := minuteReader{p: p}
	err := p.table.Read(ctx, within, func(rows Rows) error { return m.block(ctx, rows) })
	if err == nil {
		err = m.finish(ctx)
	}
	for _, d := range days {
		if err == nil && p.isOld(d.Start) {
			err = p.enter(ctx, entry{kind: dayDone, start: d.Start})
		}
	}
	return err
}

// isOld tells whether a day is accounted for by one sum.
func (p *poller) isOld(day int64) bool {
	return day+Day <= p.now-p.cfg.ReconcileWindow.Microseconds()
}

func (p *poller) compareDay(ctx context.Context, d Sum) error {
	known := p.st.ofDay(d.Start)
	switch folded := p.st.isFolded(d.Start); {
	case d.Tally == known && (folded || !p.isOld(d.Start)):
		return nil
	case d.Tally == known:
		return p.enter(ctx, entry{kind: dayDone, start: d.Start})
	case folded && d.Count < known.Count:
		// Expired or truncated. Telling the rest of the day again with every part that expires would be a flood.
		p.vanished(d.Start, known.Count-d.Count)
		return p.enter(ctx, entry{kind: dayTotal, start: d.Start, Tally: d.Tally})
	}
	err := p.sweepDay(ctx, Range{d.Start, d.Start + Day}.and(p.wanted()))
	if err == nil && p.isOld(d.Start) {
		err = p.enter(ctx, entry{kind: dayDone, start: d.Start})
	}
	return err
}

func (p *poller) wanted() Range { return Range{p.st.start, Always.To} }

// daySums asks for all days, and adds those that only the delivery log knows. Before rows are believed to be gone the table is
// looked up anew: an upgrade may have renamed it.
func (p *poller) daySums(ctx context.Context) ([]Sum, error) {
	for again := false; ; again = true {
		var days []Sum
		if err := p.table.Sums(ctx, p.wanted(), Day, func(s Sum) { days = append(days, s) }); err != nil {
			return nil, err
		}
		fewer := false
		for _, start := range p.st.starts() {
			at, found := slices.BinarySearchFunc(days, start, func(s Sum, t int64) int { return int(min(max(s.Start-t, -1), 1)) })
			if !found {
				days = slices.Insert(days, at, Sum{Start: start})
			}
			fewer = fewer || days[at].Count < p.st.ofDay(start).Count
		}
		if !fewer || again {
			return days, nil
		}
		p.table.Refresh()
	}
}

// sweep compares the minutes of a stretch of days.
func (p *poller) sweep(ctx context.Context, r Range) error {
	r = r.and(p.wanted())
	for at := floor(r.From, Day); at < r.To; at += Day {
		if err := p.sweepDay(ctx, r.and(Range{at, at + Day})); err != nil {
			return err
		}
	}
	return nil
}

// sweepDay compares minutes of one day, and reads those that differ.
func (p *poller) sweepDay(ctx context.Context, r Range) error {
	if p.st.isFolded(floor(r.From, Day)) {
		if same, err := p.sameDay(ctx, floor(r.From, Day)); err != nil || same {
			return err
		}
		r = Range{floor(r.From, Day), floor(r.From, Day) + Day}.and(p.wanted())
		p.retold, p.reopened = p.st.ofDay(floor(r.From, Day)).Count, true
		defer func() { p.retold, p.reopened = 0, false }()
	}
	if err := p.minuteSums(ctx, r); err != nil {
		return err
	}
	var g group
	for _, s := range p.sums {
		known := p.known[s.Start]
		delete(p.known, s.Start)
		if known.Count > s.Count {
			p.vanished(s.Start, known.Count-s.Count)
		}
		same := known == s.Tally
		if len(g.minutes) > 0 && (same || g.rows+s.Count > p.readRows()) {
			if err := p.read(ctx, r, &g); err != nil {
				return err
			}
		}
		if !same {
			g.add(s, known)
		}
	}
	if len(g.minutes) > 0 {
		if err := p.read(ctx, r, &g); err != nil {
			return err
		}
	}
	for start, t := range p.known { // the server has nothing of these minutes any more
		p.vanished(start, t.Count)
		if err := p.enter(ctx, entry{start: start}); err != nil {
			return err
		}
	}
	return nil
}

// sameDay compares a day that is held as one sum.
func (p *poller) sameDay(ctx context.Context, start int64) (bool, error) {
	var total Tally
	err := p.table.Sums(ctx, Range{start, start + Day}.and(p.wanted()), Day, func(s Sum) { total = total.plus(s.Tally) })
	return total == p.st.ofDay(start), err
}

// minuteSums fills p.sums from the server and p.known from the delivery log.
func (p *poller) minuteSums(ctx context.Context, r Range) error {
	for again := false; ; again = true {
		p.sums = p.sums[:0]
		if err := p.table.Sums(ctx, r, Minute, func(s Sum) { p.sums = append(p.sums, s) }); err != nil {
			return err
		}
		// A minute that is on its way already (r may begin within a day that is being told) is not in the delivery log yet:
		// sweeps of one pass never overlap, and each pass drains the pages.
		p.known = p.st.ofMinutes(Range{floor(r.From, Minute), r.To}, p.known)
		if again || !p.fewer() {
			return nil
		}
		p.table.Refresh()
	}
}

func (p *poller) fewer() bool {
	seen := 0
	for _, s := range p.sums {
		known, ok := p.known[s.Start]
		if ok {
			seen++
		}
		if s.Count < known.Count {
			return true
		}
	}
	return seen < len(p.known)
}

// enter has a change of the delivery log made when everything before it has been delivered.
func (p *poller) enter(ctx context.Context, e entry) error {
	pg, err := p.pages.open(ctx)
	if err == nil {
		pg.done = append(pg.done, e)
	}
	return err
}

func (p *poller) vanished(start int64, n uint64) {
	if p.expired(start) || p.shifting() != nil {
		return
	}
	p.host.Stats.Vanished(int(n)) //nolint:gosec // a number of rows
	if now := p.host.Now(); now.Sub(p.lostAt) >= time.Minute {
		p.lostAt = now
		p.host.Log.Warn("rows that were read are gone from the table: it was truncated, or they expired", zap.Uint64("rows", n))
	}
}

// shifting is why rows may be missing that are still there.
func (p *poller) shifting() error {
	if t, ok := p.table.(Shifting); ok {
		return t.Shifting()
	}
	return nil
}

// commit remembers a page that was delivered.
func (p *poller) commit(ctx context.Context, pg *page) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeLimit)
	defer cancel()
	if err := p.st.save(ctx, pg); err != nil {
		p.setBroken(true)
		return err
	}
	if pg.repeated > 0 {
		p.host.Stats.Repeated(pg.repeated)
	}
	if pg.n > 0 {
		p.host.Stats.Read(time.UnixMicro(pg.last), max(0, time.Duration(p.now+p.settle-pg.last)*time.Microsecond))
	}
	return nil
}
