package sqlite

import (
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
)

const (
	sliceRows     = 2000        // deleted in one transaction: a few milliseconds, so that no writer waits long
	sliceEvery    = time.Minute // when nothing is left to delete
	sliceSoon     = 10 * time.Millisecond
	complainEvery = time.Minute
)

// expiry deletes what is older than ttl, a slice at a time, between the commits of callers.
type expiry struct {
	*writer
	timer      *time.Timer // nil: everything is kept
	complained time.Time
}

func newExpiry(w *writer) *expiry {
	x := &expiry{writer: w}
	if w.cfg.TTL > 0 {
		x.timer = time.NewTimer(0)
	}
	return x
}

func (x *expiry) due() <-chan time.Time {
	if x.timer == nil {
		return nil
	}
	return x.timer.C
}

func (x *expiry) stop() {
	if x.timer != nil {
		x.timer.Stop()
	}
}

// slice deletes the oldest rows and says when it wants to be called again.
func (x *expiry) slice() {
	x.guard.Remind()
	more, err := x.delete()
	if err != nil && time.Since(x.complained) > complainEvery {
		x.complained = time.Now()
		x.log.Warn("expired records are not deleted", zap.Error(err))
	}
	if more && err == nil {
		x.timer.Reset(sliceSoon)
		return
	}
	x.timer.Reset(min(sliceEvery, x.cfg.TTL/10+sliceSoon))
}

func (x *expiry) delete() (more bool, err error) {
	if err := x.ready(); err != nil {
		return false, err
	}
	if x.ttl == 0 { // it waits for its confirmation
		return false, nil
	}
	if err := x.begin(); err != nil {
		return false, err
	}
	for _, stmt := range []*sqlite.Stmt{x.st.expire, x.st.forget} {
		stmt.BindInt64(1, x.oldest())
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
		err = execute(x.conn, "COMMIT")
	}
	if err != nil {
		x.rollback()
	}
	return more, x.failed("deleting expired records", err)
}
