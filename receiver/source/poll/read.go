package poll

import (
	"context"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// minuteGroup is a run of minutes that are read together, each with what was delivered of it.
type minuteGroup struct {
	minutes []Sum
	rows    uint64 // that the server has
}

func (g *minuteGroup) addSum(s Sum, delivered Tally) {
	g.minutes = append(g.minutes, Sum{s.Start, delivered})
	g.rows += s.Count
}

// redeliveredIDs is how many of the next rows were delivered before, where nobody knows which: ids are kept of recent minutes only.
type redeliveredIDs struct{ left uint64 }

func (r *redeliveredIDs) takeOne() bool {
	if r.left == 0 {
		return false
	}
	r.left--
	return true
}

func (p *tablePoller) readGroup(ctx context.Context, r TimeRange, g minuteGroup, ofDay *redeliveredIDs) error {
	if len(g.minutes) == 0 {
		return nil
	}
	within := TimeRange{g.minutes[0].Start, g.minutes[len(g.minutes)-1].Start + MinuteMicros}.intersectRange(r)
	return p.readRows(ctx, within, g, ofDay)
}

// readRows delivers the rows within r that were not delivered yet. The minutes of g lie within it; where ofDay is not nil, all of r
// may have been delivered before.
func (p *tablePoller) readRows(ctx context.Context, r TimeRange, g minuteGroup, ofDay *redeliveredIDs) error {
	m := minuteReader{p: p, ahead: g.minutes, ofDay: ofDay}
	if err := p.table.Read(ctx, r, m.readBlock); err != nil {
		return err
	}
	return m.finishReading()
}

// minuteReader makes events of blocks of rows, minute by minute.
type minuteReader struct {
	p     *tablePoller
	ahead []Sum           // minutes that have not been met yet, with what was delivered of them
	ofDay *redeliveredIDs // nil but for a compacted day

	begun        bool
	minute       int64
	tally        Tally
	deliveredIDs []uint64 // of this minute; nil where none are kept
	keepIDs      bool     // of this minute
	redelivered  *redeliveredIDs
	observer     EmissionObserver // the block, if it is one
}

func (m *minuteReader) readBlock(rows Rows) error {
	observed := m.p.host.Now().UnixNano()
	m.observer, _ = rows.(EmissionObserver)
	excluded := 0
	for i := range rows.Len() {
		verdict, fresh, err := m.readRow(rows, i, observed)
		if err != nil {
			return err
		}
		if fresh && verdict == VerdictExclude {
			excluded++
		}
	}
	if excluded > 0 {
		m.p.host.Stats.Excluded(excluded)
	}
	m.p.countRead(rows.Len())
	return nil
}

func (m *minuteReader) readRow(rows Rows, i int, observed int64) (verdict Verdict, fresh bool, err error) {
	t, hash := rows.Micros(i), rows.Hash(i)
	if !m.begun || t < m.minute || t-m.minute >= MinuteMicros {
		if err := m.beginMinute(floorToWidth(t, MinuteMicros)); err != nil {
			return 0, false, err
		}
	}
	m.tally = m.tally.sumWith(Tally{1, hash})
	b, err := m.p.batches.openBatch()
	if err != nil {
		return 0, false, err
	}
	e, id := b.nextEvent(m.p.cfg.BatchSize), hash
	if verdict = rows.Event(i, e); verdict == VerdictDeliver {
		id = shortID(e.RecordID)
	}
	if _, delivered := slices.BinarySearch(m.deliveredIDs, id); delivered {
		return verdict, false, nil
	}
	fresh = !m.redelivered.takeOne()
	switch {
	case verdict == VerdictDeliver:
		e.Observed = observed
		b.n++
		b.lastEvent, b.lag = t, max(0, time.Duration(m.p.now+m.p.minAge-t)*time.Microsecond)
		if !fresh {
			b.redelivered++
		}
		if m.observer != nil {
			m.observer.Emitted(i)
		}
	case verdict == VerdictBad && fresh:
		place, reason := rows.DescribeBad(i)
		m.p.host.Stats.BadRows(1, place, reason)
	}
	if m.keepIDs {
		b.rows = append(b.rows, deliveredRow{m.minute, id})
	}
	return verdict, fresh, nil
}

func (m *minuteReader) beginMinute(minute int64) error {
	if err := m.endMinute(); err != nil {
		return err
	}
	delivered, err := m.passMinutesTo(minute)
	if err != nil {
		return err
	}
	m.begun, m.minute, m.tally = true, minute, Tally{}
	m.deliveredIDs = m.p.progress.deliveredIDs(minute)
	m.keepIDs = m.deliveredIDs != nil || minute >= m.p.keepIDsFrom()
	switch {
	case m.ofDay != nil:
		m.redelivered = m.ofDay
	case m.deliveredIDs == nil:
		m.redelivered = &redeliveredIDs{left: delivered.Count}
	default:
		m.redelivered = &redeliveredIDs{}
	}
	return nil
}

// passMinutesTo says what was delivered of a minute. Those before it have no rows any more, although they had some when they were summed up.
func (m *minuteReader) passMinutesTo(minute int64) (delivered Tally, err error) {
	for len(m.ahead) > 0 && m.ahead[0].Start <= minute {
		if m.ahead[0].Start == minute {
			delivered = m.ahead[0].Tally
		} else if err := m.p.batches.recordEntry(logEntry{kind: minuteDelivered, start: m.ahead[0].Start}); err != nil {
			return Tally{}, err
		}
		m.ahead = m.ahead[1:]
	}
	return delivered, nil
}

func (m *minuteReader) endMinute() error {
	if !m.begun {
		return nil
	}
	return m.p.batches.recordEntry(logEntry{kind: minuteDelivered, start: m.minute, Tally: m.tally})
}

func (m *minuteReader) finishReading() error {
	if err := m.endMinute(); err != nil {
		return err
	}
	_, err := m.passMinutesTo(AllTimes.To)
	return err
}

func shortID(id session.ID) uint64 {
	var v uint64
	for _, b := range id[8:] {
		v = v<<8 | uint64(b)
	}
	return v
}
