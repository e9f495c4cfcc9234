package poll

import (
	"math"
	"time"

	"go.uber.org/zap"
)

// Expiring is a [Table] whose server throws rows away at an age that is known. Such rows are not counted as vanished, and
// a cursor that is older means that history was lost.
type Expiring interface {
	Table
	// Kept is how long rows are kept at least; zero when nobody knows.
	Kept() time.Duration
}

// LostStats is what a [source.Stats] may count beside.
type LostStats interface {
	// Lost says that rows of this time of the source's clock were thrown away before they could be read.
	Lost(from, to time.Time)
}

// keptFrom is the time since which the server has all rows.
func (p *poller) keptFrom() int64 {
	if t, ok := p.table.(Expiring); ok {
		if kept := t.Kept(); kept > 0 {
			return p.now - kept.Microseconds()
		}
	}
	return math.MinInt64
}

// expired tells whether rows of a span may have been thrown away in due course.
func (p *poller) expired(start int64) bool { return start < p.keptFrom() }

// mindGap warns when the cursor was left behind by what the server keeps, once for each time it stands still.
func (p *poller) mindGap() {
	from := p.keptFrom()
	if p.st.cursor >= from || p.gapAt == p.st.cursor {
		return
	}
	p.gapAt = p.st.cursor
	p.host.Log.Warn("history is lost: the last successful poll is longer ago than the source keeps its rows; poll more often, or read its audit log files for that time",
		zap.Time("from", time.UnixMicro(p.st.cursor).UTC()), zap.Time("to", time.UnixMicro(from).UTC()))
}

// tellGap counts the gap when a poll has succeeded: only then its end is known.
func (p *poller) tellGap() {
	from := p.keptFrom()
	if stats, ok := p.host.Stats.(LostStats); ok && p.st.cursor < from {
		stats.Lost(time.UnixMicro(p.st.cursor), time.UnixMicro(from))
	}
}
