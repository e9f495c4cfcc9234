package delivery

import (
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// backlogLogInterval is how often the log says how far the reading of a backlog is.
const backlogLogInterval = time.Minute

// Backlog reports how far the reading of many rows is, in the log and in the metrics. It is used by one goroutine.
type Backlog struct {
	host   source.Host
	rows   uint64 // all of them, read or not; 0: there is none
	read   uint64
	began  time.Time
	logged time.Time // when the log last said how far it is
}

// NewBacklog makes one that has not begun.
func NewBacklog(host source.Host) Backlog { return Backlog{host: host} }

// IsUnderWay reports whether it has begun and not ended.
func (b *Backlog) IsUnderWay() bool { return b.rows > 0 }

// Begin is called with how many rows are to be read. Where there is one already, that is the rest of it with what has come since.
func (b *Backlog) Begin(rows uint64) {
	now := b.host.Now()
	isNew := !b.IsUnderWay()
	b.rows, b.read, b.began = rows, 0, now
	if isNew {
		b.logged = now
		b.host.Log.Info("a backlog is read: how far it is follows every minute", zap.Uint64("rows", rows))
	}
	b.reportProgress()
}

// Count notes rows that were read, of a backlog or not.
func (b *Backlog) Count(rows int) {
	if b.IsUnderWay() {
		b.read += uint64(rows) //nolint:gosec // a number of rows
		b.reportProgress()
	}
}

// Expect says anew how many rows are left, where that is an estimate.
func (b *Backlog) Expect(left uint64) { b.rows = max(1, b.read+left) }

func (b *Backlog) reportProgress() {
	now := b.host.Now()
	left := b.rows - min(b.read, b.rows)
	rate, toGo := 0.0, time.Duration(0)
	if seconds := now.Sub(b.began).Seconds(); seconds > 0 && b.read > 0 {
		rate = float64(b.read) / seconds
		toGo = time.Duration(float64(left) / rate * float64(time.Second))
	}
	b.host.Stats.Backlog(int(left), rate, toGo) //nolint:gosec // a number of rows
	if now.Sub(b.logged) >= backlogLogInterval {
		b.logged = now
		b.host.Log.Info("a backlog is being read", zap.Uint64("read", b.read), zap.Uint64("left", left), zap.Int("rows_per_second", int(rate)),
			zap.Stringer("time_to_go", toGo.Round(time.Second)))
	}
}

// End is called when all has been read.
func (b *Backlog) End() {
	if b.IsUnderWay() {
		b.host.Log.Info("the backlog is read", zap.Uint64("rows", b.read), zap.Stringer("took", b.host.Now().Sub(b.began).Round(time.Second)))
	}
	*b = NewBacklog(b.host)
	b.host.Stats.Backlog(0, 0, 0)
}
