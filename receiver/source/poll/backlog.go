package poll

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// behindAfter is how old the last finished poll is where more may have to be read than in any poll: then it is counted first.
	behindAfter = 10 * Minute
	// backlogTold is how often the log says how far the reading of a backlog is.
	backlogTold = time.Minute
)

// backlog is what is before a poll when that is more than one query reads.
type backlog struct {
	rows  uint64 // at its beginning; 0: there is none
	read  uint64
	began time.Time
	told  time.Time // when the log last said how far it is
}

// beginBacklog is called with how many rows are before a poll. What a poll that failed has left is told as one backlog with what it read.
func (p *poller) beginBacklog(rows uint64) {
	now := p.host.Now()
	if rows <= p.rowsOfQuery() {
		return
	}
	isNew := p.backlog.rows == 0
	p.backlog = backlog{rows: rows, began: now, told: p.backlog.told}
	if isNew {
		p.backlog.told = now
		p.host.Log.Info("a backlog is read: how far it is follows every minute", zap.Uint64("rows", rows))
	}
	p.reportBacklog()
}

// countRead notes rows that were read, of a backlog or not.
func (p *poller) countRead(rows int) {
	p.rowsRead += rows
	if p.backlog.rows == 0 {
		return
	}
	p.backlog.read += uint64(rows) //nolint:gosec // a number of rows
	p.reportBacklog()
}

func (p *poller) reportBacklog() {
	b, now := &p.backlog, p.host.Now()
	left := b.rows - min(b.read, b.rows)
	rate, toGo := 0.0, time.Duration(0)
	if seconds := now.Sub(b.began).Seconds(); seconds > 0 && b.read > 0 {
		rate = float64(b.read) / seconds
		toGo = time.Duration(float64(left) / rate * float64(time.Second))
	}
	p.host.Stats.Backlog(int(left), rate, toGo) //nolint:gosec // a number of rows
	if now.Sub(b.told) >= backlogTold {
		b.told = now
		p.host.Log.Info("a backlog is being read", zap.Uint64("read", b.read), zap.Uint64("left", left), zap.Int("rows_per_second", int(rate)),
			zap.Stringer("time_to_go", toGo.Round(time.Second)))
	}
}

// endBacklog is called when all that a poll had before it is delivered.
func (p *poller) endBacklog() {
	if b := p.backlog; b.rows > 0 {
		p.host.Log.Info("the backlog is read", zap.Uint64("rows", b.read), zap.Stringer("took", p.host.Now().Sub(b.began).Round(time.Second)))
	}
	p.backlog = backlog{}
	p.host.Stats.Backlog(0, 0, 0)
}

// countBehind counts what is to be read of a stretch of time where the last poll was long ago.
func (p *poller) countBehind(ctx context.Context, r Range) error {
	if r = r.intersection(p.wantedRange()); p.now-p.progress.cursor < behindAfter || r.From >= r.To {
		return nil
	}
	rows, delivered := uint64(0), uint64(0)
	if err := p.table.Sums(ctx, r, Day, func(s Sum) { rows += s.Count }); err != nil {
		return err
	}
	for _, day := range p.progress.dayStarts() {
		if part := r.intersection(Range{day, day + Day}); part.From < part.To {
			delivered += p.progress.deliveredWithin(part)
		}
	}
	p.beginBacklog(rows - min(rows, delivered))
	return nil
}

// countUndelivered is how many rows of these days were not delivered.
func (p *poller) countUndelivered(days []Sum) (rows uint64) {
	for _, d := range days {
		if delivered := p.progress.dayTally(d.Start); d.Tally != delivered {
			rows += d.Count - min(d.Count, delivered.Count)
		}
	}
	return rows
}
