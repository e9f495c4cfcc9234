package sqlite

import (
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"

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
	*writer
	timer      *time.Timer // nil: everything is kept
	conditions *conditionlog.Logger
}

func newExpiry(w *writer) *expiryTimer {
	x := &expiryTimer{writer: w, conditions: conditionlog.New(w.log, w.now)}
	if w.cfg.TTL > 0 {
		x.timer = time.NewTimer(0)
	}
	return x
}

func (x *expiryTimer) dueTime() <-chan time.Time {
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

// expireSlice deletes the oldest rows and says when it wants to be called again.
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
	if err := x.beginTransaction(); err != nil {
		return false, err
	}
	for _, stmt := range []*sqlite.Stmt{x.st.expire, x.st.forget} {
		stmt.BindInt64(1, x.oldestKept())
		stmt.BindInt64(2, sliceRows)
		if _, err = stmt.Step(); err != nil {
			break
		}
		more = more || x.conn.Changes() == sliceRows
		if err = stmt.Reset(); err != nil {
			break
		}
	}
	if err == nil {
		err = executeStatement(x.conn, "COMMIT")
	}
	if err != nil {
		x.rollbackOrClose()
	}
	return more, x.explainFailure("deleting expired records", err)
}
