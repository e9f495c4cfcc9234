package sqlite

import (
	"math"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
)

const (
	sliceRows  = 2000        // deleted in one transaction: a few milliseconds, so that no writer waits long
	sliceEvery = time.Minute // when nothing is left to delete
	sliceSoon  = 10 * time.Millisecond

	expiryFails = "expiry fails"
)

// expiryTimer deletes what is older than ttl, a slice at a time, between the commits of callers.
type expiryTimer struct {
	*groupWriter
	timer      *time.Timer // nil: everything is kept
	forgotten  int64       // what is only of before is not in the summary any more
	conditions *conditionlog.Logger
}

func newExpiry(w *groupWriter) *expiryTimer {
	x := &expiryTimer{groupWriter: w, conditions: conditionlog.New(w.log, w.now)}
	if w.cfg.TTL > 0 {
		x.timer = time.NewTimer(0)
	}
	return x
}

func (x *expiryTimer) dueChannel() <-chan time.Time {
	if x.timer == nil {
		return nil
	}
	return x.timer.C
}

func (x *expiryTimer) stopTimer() {
	if x.timer != nil {
		x.timer.Stop()
	}
}

func (x *expiryTimer) expireSlice() {
	x.guard.Remind()
	more, err := x.deleteSlice()
	if err != nil {
		x.conditions.Raise(expiryFails, "expired records are not deleted", zap.Error(err))
	} else {
		x.conditions.Clear(expiryFails, "expired records are deleted again")
	}
	if more && err == nil {
		x.timer.Reset(sliceSoon)
		return
	}
	x.timer.Reset(min(sliceEvery, x.cfg.TTL/10+sliceSoon))
}

func (x *expiryTimer) deleteSlice() (more bool, err error) {
	if err := x.ensureOpen(); err != nil {
		return false, err
	}
	if x.ttl == 0 { // it waits for its confirmation
		return false, nil
	}
	if err := x.refreshPartitions(); err != nil {
		return false, err
	}
	memory, err := x.cfg.readMemory(x.conn)
	if err != nil {
		return false, x.explainFailure("reading settings", err)
	}
	next, err := x.followClock(x.conn, x.ttl, memory)
	if err != nil {
		return false, x.explainFailure("looking for what would expire", err)
	}
	if dropped, err := x.dropExpired(); dropped || err != nil {
		return dropped, err
	}
	var deleted int
	err = x.tendInTransaction("deleting expired records", func() (err error) {
		if next != memory {
			if err := x.cfg.writeMemory(x.conn, next); err != nil {
				return err
			}
		}
		oldest := x.guard.OldestKept(x.ttl)
		if deleted, more, err = x.deleteExpired(oldest); err == nil && !more {
			err = x.forgetExpired(oldest)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	x.deleted.Add(x.ctx, int64(deleted))
	if !more && x.conn != nil {
		err = x.guard.ReportFuture(x.countLater)
	}
	return more, err
}

func (x *expiryTimer) countLater(after time.Time) (n int64, err error) {
	for _, p := range x.partitions.each() {
		later, err := queryNumber(x.conn, "SELECT count(*) FROM "+p.table+" WHERE time > ?", retention.BoundedUnixNano(after))
		if err != nil {
			return 0, x.explainFailure("counting records of the future", err)
		}
		n += later
	}
	return n, nil
}

func (x *expiryTimer) deleteExpired(oldest int64) (deleted int, more bool, err error) {
	for _, p := range x.partitions.each() {
		if deleted, err = x.deleteFrom(p, oldest); err != nil {
			return 0, false, err
		}
		if deleted > 0 {
			break
		}
	}
	stmt := x.st.forget
	stmt.BindInt64(1, oldest)
	stmt.BindInt64(2, sliceRows)
	if _, err := stmt.Step(); err != nil {
		return 0, false, err
	}
	more = deleted > 0 || x.conn.Changes() == sliceRows
	return deleted, more, stmt.Reset()
}

func (x *expiryTimer) deleteFrom(p *rangePartition, oldest int64) (n int, err error) {
	first, err := queryNumber(x.conn, "SELECT coalesce(min(time), ?) FROM "+p.table, oldest)
	if err != nil || first >= oldest {
		return 0, err
	}
	if err := sqlitex.ExecuteTransient(x.conn, expireSQL(p.table), &sqlitex.ExecOptions{Args: []any{oldest, sliceRows}}); err != nil {
		return 0, err
	}
	p.rows, p.tryAgainAt, p.crowded = notCounted, 0, false
	return x.conn.Changes(), nil
}

func (x *expiryTimer) dropExpired() (dropped bool, err error) {
	if !x.cfg.CreateSchema {
		return false, nil
	}
	oldest := x.guard.OldestKept(x.ttl)
	for _, p := range x.partitions.ranges[:len(x.partitions.ranges)-1] { // the newest stays
		if expired, err := x.hasExpired(p, oldest); err != nil {
			return false, x.explainFailure("reading a partition", err)
		} else if expired {
			return x.dropIfExpired(p, oldest)
		}
	}
	return false, nil
}

func (x *expiryTimer) hasExpired(p *rangePartition, oldest int64) (bool, error) {
	youngest, err := queryNumber(x.conn, "SELECT coalesce(max(time), ?) FROM "+p.table, int64(math.MinInt64))
	return youngest < oldest, err
}

func (x *expiryTimer) dropIfExpired(p *rangePartition, oldest int64) (dropped bool, err error) {
	rows := int64(0)
	err = x.changePartitions("dropping an expired partition", func() error {
		// Another program may have written to the partition, merged others into it or dropped it.
		if x.partitions.above(p) == nil {
			return nil
		}
		expired, err := x.hasExpired(p, oldest)
		if err != nil || !expired {
			return err
		}
		if err := p.count(x.conn); err != nil {
			return err
		}
		rows, dropped = p.rows, true
		return x.dropPartition(p)
	})
	if err != nil || !dropped {
		return false, err
	}
	x.deleted.Add(x.ctx, rows)
	x.log.Info("ttl: a partition was dropped, since its youngest record has expired", zap.String("table", p.table), zap.Int64("records", rows))
	return true, nil
}
