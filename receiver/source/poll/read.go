package poll

import (
	"context"
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

// group is a run of minutes that are read together, each with what the delivery log has of it.
type group struct {
	minutes []Sum
	rows    uint64
}

func (g *group) add(s Sum, known Tally) {
	g.minutes = append(g.minutes, Sum{s.Start, known})
	g.rows += s.Count
}

// read tells the rows of a group's minutes, and empties it.
func (p *poller) read(ctx context.Context, r Range, g *group) error {
	within := Range{g.minutes[0].Start, g.minutes[len(g.minutes)-1].Start + Minute}.and(r)
	m := minuteReader{p: p, group: g.minutes}
	err := p.table.Read(ctx, within, func(rows Rows) error { return m.block(ctx, rows) })
	if err == nil {
		err = m.finish(ctx)
	}
	for _, s := range m.group { // had rows when they were summed up
		if err == nil {
			err = p.enter(ctx, entry{start: s.Start})
		}
	}
	g.minutes, g.rows = g.minutes[:0], 0
	return err
}

// minuteReader turns blocks of rows into pages, minute by minute.
type minuteReader struct {
	p     *poller
	group []Sum // minutes that have not been met yet

	begun  bool
	minute int64
	tally  Tally
	known  []uint64 // ids of rows that were told
	keep   bool     // ids of this minute are kept
}

func (m *minuteReader) block(ctx context.Context, rows Rows) error {
	p := m.p
	observed := p.host.Now().UnixNano()
	telling, _ := rows.(Telling)
	var excluded int
	p.rows += rows.Len()
	for i := range rows.Len() {
		t := rows.Micros(i)
		if !m.begun || t-m.minute >= Minute || t < m.minute {
			if err := m.begin(ctx, floor(t, Minute)); err != nil {
				return err
			}
		}
		hash := rows.Hash(i)
		m.tally.Count++
		m.tally.Hash += hash
		pg, err := p.pages.at(ctx, t)
		if err != nil {
			return err
		}
		e := pg.slot()
		verdict := rows.Event(i, e)
		id := hash
		if verdict == Deliver {
			id = shortID(e.RecordID)
		}
		if m.known != nil {
			if _, told := slices.BinarySearch(m.known, id); told {
				continue
			}
		}
		switch {
		case verdict == Deliver:
			e.Observed = observed
			pg.n++
			if telling != nil {
				telling.Told(i)
			}
			if p.retold > 0 {
				p.retold--
				pg.repeated++
			}
		case p.retold > 0:
			p.retold-- // was counted when it was met first
		case verdict == Exclude:
			excluded++
		default:
			place, reason := rows.Complain(i)
			p.host.Stats.BadRows(1, place, reason)
		}
		if m.keep {
			pg.told = append(pg.told, deliveredRow{m.minute, id})
		}
	}
	if excluded > 0 {
		p.host.Stats.Excluded(excluded)
	}
	return nil
}

func (m *minuteReader) begin(ctx context.Context, minute int64) error {
	if err := m.finish(ctx); err != nil {
		return err
	}
	m.begun, m.minute, m.tally = true, minute, Tally{}
	if !m.p.reopened {
		m.p.retold = 0
	}
	m.known = m.p.st.known(minute)
	m.keep = m.known != nil || minute >= m.p.keepFrom()
	for len(m.group) > 0 && m.group[0].Start <= minute {
		if m.group[0].Start == minute && m.known == nil && m.group[0].Count > 0 {
			m.p.retold = m.group[0].Count
		}
		if m.group[0].Start < minute {
			if err := m.p.enter(ctx, entry{start: m.group[0].Start}); err != nil {
				return err
			}
		}
		m.group = m.group[1:]
	}
	return nil
}

// finish enters the minute as it was read.
func (m *minuteReader) finish(ctx context.Context) error {
	if !m.begun {
		return nil
	}
	return m.p.enter(ctx, entry{start: m.minute, Tally: m.tally})
}

// shortID is enough of a record id to know it again within a minute.
func shortID(id session.ID) uint64 {
	var v uint64
	for _, b := range id[8:] {
		v = v<<8 | uint64(b)
	}
	return v
}
