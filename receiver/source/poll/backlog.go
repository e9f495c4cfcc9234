package poll

import "context"

// behindAfter is how old the last finished poll is where more may have to be read than in any poll: then it is counted first.
const behindAfter = 10 * MinuteMicros

// beginBacklog is called with how many rows are before a poll: it is a backlog when that is more than one query reads. What a poll that failed has
// left is reported as one backlog with what it read.
func (p *tablePoller) beginBacklog(rows uint64) {
	if rows > p.rowsOfQuery() {
		p.backlog.Begin(rows)
	}
}

func (p *tablePoller) countRead(rows int) {
	p.rowsRead += rows
	p.backlog.Count(rows)
}

func (p *tablePoller) countBacklog(ctx context.Context, r TimeRange) error {
	if r = r.intersectRange(p.wantedRange()); p.now-p.progress.cursor < behindAfter || r.From >= r.To {
		return nil
	}
	rows, delivered := uint64(0), uint64(0)
	if err := p.countRows(ctx, r, DayMicros, func(s Sum) { rows += s.Count }); err != nil {
		return err
	}
	for _, day := range p.progress.dayStarts() {
		if part := r.intersectRange(TimeRange{day, day + DayMicros}); part.From < part.To {
			delivered += p.progress.deliveredWithin(part)
		}
	}
	p.beginBacklog(rows - min(rows, delivered))
	return nil
}

func (p *tablePoller) countUndelivered(days []Sum) (rows uint64) {
	for _, d := range days {
		if delivered := p.progress.dayTally(d.Start); d.Tally != delivered {
			rows += d.Count - min(d.Count, delivered.Count)
		}
	}
	return rows
}
