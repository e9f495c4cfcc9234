package postgresql

import (
	"context"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// write is one call of Write on its connection.
type write struct {
	*link
	events iter.Seq2[int, *session.Event]
	result backend.Result
}

// attempts is how often a batch is tried when another transaction got in its way.
const attempts = 5

// span writes the events whose indexes are in [from, to). A record that the server itself refuses takes the whole
// transaction with it, so the span is halved until that record stands alone: its neighbours are committed.
func (w *write) span(ctx context.Context, from, to int) error {
	t, err := w.transact(ctx, from, to)
	for try := 1; try < attempts && collided(err); try++ {
		t, err = w.transact(ctx, from, to)
	}
	switch {
	case err == nil:
		w.add(t)
		return nil
	case !refusesContent(err) || ctx.Err() != nil || t.staged == 0:
		return err
	case t.staged == 1:
		w.result.Rejected = append(w.result.Rejected, t.rejected...)
		w.result.Rejected = append(w.result.Rejected, backend.Rejection{Index: t.first, Reason: reasonOf(err)})
		w.result.Expired += t.expired
		return nil
	}
	if err := w.span(ctx, from, t.middle); err != nil {
		return err
	}
	return w.span(ctx, t.middle, to)
}

func (w *write) add(t *transaction) {
	w.result.Written += t.written
	w.result.Conflicts += t.conflicts
	w.result.Duplicates += t.staged - t.written - t.conflicts
	w.result.Expired += t.expired
	w.result.Rejected = append(w.result.Rejected, t.rejected...)
}

// transaction is one attempt to write a span.
type transaction struct {
	staged, written, conflicts, expired int

	first, middle int  // indexes of the first staged event, and of one after half of them
	begun         bool // BEGIN was sent
	unordered     bool // the record ids do not ascend
	last          session.ID
	indexes       []int
	rejected      []backend.Rejection
}

// transact stages the span, inserts what is new, looks at what was there already, and commits.
func (w *write) transact(ctx context.Context, from, to int) (*transaction, error) {
	t := &transaction{}
	w.rows.reset()
	if err := w.stage(ctx, t, from, to); err != nil {
		w.rollback()
		return t, err
	}
	if t.staged == 0 {
		return t, nil
	}
	err := w.insert(ctx, t)
	if err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		w.rollback()
	}
	w.used = time.Now()
	return t, err
}

// stage walks the events and sends their rows into the staging table.
func (w *write) stage(ctx context.Context, t *transaction, from, to int) (err error) {
	oldest := w.oldest()
	w.events(func(i int, e *session.Event) bool {
		if i < from || i >= to {
			return i < to
		}
		if err = ctx.Err(); err != nil {
			return false
		}
		if e.Time < oldest {
			t.expired++
			return true
		}
		reason := backend.Refusal(e)
		if reason == "" {
			reason = add(w.rows, int32(t.staged), e)
		}
		if reason != "" {
			t.rejected = append(t.rejected, backend.Rejection{Index: i, Reason: reason})
			return true
		}
		t.note(i, e)
		w.partitions.note(e)
		if w.rows.size() >= chunkSize {
			err = w.send(ctx, t)
		}
		return err == nil
	})
	if err == nil && w.rows.size() > 0 {
		err = w.send(ctx, t)
	}
	if len(t.indexes) > 0 {
		t.first, t.middle = t.indexes[0], t.indexes[len(t.indexes)/2]
	}
	return err
}

func (t *transaction) note(i int, e *session.Event) {
	t.staged++
	t.indexes = append(t.indexes, i)
	for at := range e.RecordID { // compared by hand: this is asked for each record
		if e.RecordID[at] != t.last[at] {
			t.unordered = t.unordered || e.RecordID[at] < t.last[at]
			break
		}
	}
	t.last = e.RecordID
}

// send begins the transaction if that has not been done, and puts the rows into the staging table.
func (w *write) send(ctx context.Context, t *transaction) error {
	if !t.begun {
		if err := w.ready(ctx); err != nil {
			return err
		}
		t.begun = true
		if err := exec(ctx, w.conn, w.sql.begin); err != nil {
			return err
		}
	}
	err := w.rows.send(ctx, w.conn)
	w.rows.reset()
	return err
}

// insert inserts what is new. Nothing of session_events is locked yet, so partitions that are missing can be made first.
func (w *write) insert(ctx context.Context, t *transaction) error {
	w.makePartitions(ctx)
	sql := w.sql.inOrder
	if t.unordered {
		sql = w.sql.insert
	}
	n, err := affected(ctx, w.conn, sql)
	t.written = int(n)
	if err != nil || t.written == t.staged {
		return err
	}
	rows, err := query(ctx, w.conn, w.sql.conflicts)
	if err != nil {
		return err
	}
	if t.conflicts, err = strconv.Atoi(rows[0][0]); err != nil || t.conflicts == 0 {
		return err
	}
	return exec(ctx, w.conn, w.sql.keep)
}

// commit is not interrupted: its result would stay unknown.
func (w *write) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitPatience)
	defer cancel()
	return exec(ctx, w.conn, "COMMIT")
}

// oldest is the time from which on events are kept. Older ones are left out at the door: were they let in and dropped
// again, a source that tells its history over and over would fill and empty the table.
func (s *store) oldest() int64 {
	if s.cfg.TTL == 0 {
		return math.MinInt64
	}
	return s.now().Add(-s.cfg.TTL).UnixNano()
}
