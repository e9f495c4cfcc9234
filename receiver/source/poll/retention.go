package poll

import (
	"math"
	"time"

	"go.uber.org/zap"
)

// ExpiringTable is a [Table] whose server throws rows away at an age that is known. Such rows are not counted as vanished, and
// a cursor that is older means that history was lost.
type ExpiringTable interface {
	Table
	// Retention is how long rows are kept at least; zero when nobody knows.
	Retention() time.Duration
}

func (p *tablePoller) retainedFrom() int64 {
	if t, ok := p.table.(ExpiringTable); ok {
		if kept := t.Retention(); kept > 0 {
			return p.now - kept.Microseconds()
		}
	}
	return math.MinInt64
}

// countVanished counts rows that were delivered and are gone, but not those that were thrown away in due course or are another
// server's.
func (p *tablePoller) countVanished(spanStart int64, n uint64) {
	if spanStart < p.retainedFrom() || p.serversVary() != nil {
		return
	}
	p.host.Stats.Vanished(int(n)) //nolint:gosec // a number of rows
}

func (p *tablePoller) warnOfLostHistory() {
	from, cursor := p.retainedFrom(), p.progress.cursor
	if cursor >= from || cursor == p.lostFrom {
		return
	}
	p.lostFrom = cursor
	p.host.Log.Warn("history is lost: the last successful poll is longer ago than the source keeps its rows; poll more often, or read its audit log files for that time",
		zap.Time("from", time.UnixMicro(cursor).UTC()), zap.Time("to", time.UnixMicro(from).UTC()))
}

func (p *tablePoller) countLostHistory() {
	from := p.retainedFrom()
	if p.progress.cursor < from {
		p.host.Stats.Lost(time.UnixMicro(p.progress.cursor), time.UnixMicro(from))
	}
}
