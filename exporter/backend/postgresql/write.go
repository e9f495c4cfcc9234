package postgresql

import (
	"context"
	"encoding/hex"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

type batchWrite struct {
	*serverConn
	events      iter.Seq2[int, *session.Event]
	contentHash backend.ContentHash
	result      backend.Result
	fates       []backend.Fate // by index
}

// maxAttempts is how often a batch is tried when another transaction got in its way.
const maxAttempts = 5

// writeSpan writes the events whose indexes are in [from, to). A record that the server itself refuses takes the whole
// transaction with it, so the span is halved until that record stands alone: its neighbours are committed.
func (w *batchWrite) writeSpan(ctx context.Context, from, to int) error {
	t, err := w.trySpanOnce(ctx, from, to)
	for try := 1; try < maxAttempts && isTransactionCollision(err); try++ {
		t, err = w.trySpanOnce(ctx, from, to)
	}
	switch {
	case err == nil:
		w.addCounts(t)
		return nil
	case !refusesContent(err) || ctx.Err() != nil || t.staged == 0:
		return err
	case t.isOnlyRecord(to):
		w.result.Rejected = append(w.result.Rejected, t.rejected...)
		w.result.Rejected = append(w.result.Rejected, backend.Rejection{Index: t.first, Reason: refusalWithoutValues(err)})
		w.result.Expired += t.expired
		return nil
	}
	if err := w.writeSpan(ctx, from, t.middle); err != nil {
		return err
	}
	return w.writeSpan(ctx, t.middle, to)
}

func (w *batchWrite) addCounts(t *spanAttempt) {
	w.result.Written += t.written
	w.result.Conflicts += t.conflicts
	w.result.Duplicates += t.staged - t.written - t.conflicts
	w.result.Expired += t.expired
	w.result.Rejected = append(w.result.Rejected, t.rejected...)
	for _, r := range t.records {
		w.fates = slices.Grow(w.fates, max(0, r.index+1-len(w.fates)))[:max(len(w.fates), r.index+1)]
		w.fates[r.index] = t.takeFate(r.recordVersion)
	}
}

type recordVersion struct {
	id   session.ID
	hash [16]byte
}

type stagedRecord struct {
	recordVersion
	index int
}

func (t *spanAttempt) takeFate(v recordVersion) backend.Fate {
	switch {
	case t.isDirect || t.inserted[v.id]:
		delete(t.inserted, v.id) // of several with a new id the first is it
		return backend.FateNew
	case t.kept[v]:
		delete(t.kept, v)
		return backend.FateConflict
	}
	return backend.FateDuplicate
}

type spanAttempt struct {
	staged, written, conflicts, expired int

	first, middle int  // indexes of the first record, and of one after half of them
	whole         bool // the walk came to the end of the span
	begun         bool // the staging table was made ready
	records       []stagedRecord
	rejected      []backend.Rejection

	isDirect bool                   // all records are new
	inserted map[session.ID]bool    // what the server says is new
	kept     map[recordVersion]bool // and what it says is another version
}

// trySpanOnce writes the span and commits. Nearly always its records are new: then they are copied straight into
// session_events, which is several times as fast. One that is there already fails that, and the batch goes through the
// staging table; so do those after it, until there is one without repetitions.
func (w *batchWrite) trySpanOnce(ctx context.Context, from, to int) (t *spanAttempt, err error) {
	defer func() {
		w.used = time.Now()
		if err != nil {
			w.rollbackOrClose()
		}
	}()
	t = &spanAttempt{}
	if err = w.ensureConnected(ctx); err != nil {
		return t, err
	}
	if !w.repeats {
		if err = w.copyDirectly(ctx, t, from, to); configpostgresql.SQLState(err) != "23505" {
			return t, err
		}
		if err = execStatements(ctx, w.conn, "ROLLBACK"); err != nil {
			return t, err
		}
	}
	t = &spanAttempt{}
	err = w.writeStaged(ctx, t, from, to)
	return t, err
}

// walkSpan makes rows of the events, and has them sent whenever they have reached a size.
func (w *batchWrite) walkSpan(ctx context.Context, t *spanAttempt, from, to, size int, send func() error) (err error) {
	oldest := w.guard.OldestKept(w.ttl)
	w.rows.truncateBuffer()
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
		reason := backend.RefusalReason(e)
		if reason == "" {
			reason, err = w.appendEvent(i, e, send)
		}
		if err != nil {
			return false
		}
		if reason != "" {
			t.rejected = append(t.rejected, backend.Rejection{Index: i, Reason: reason})
			return true
		}
		t.staged++
		t.records = append(t.records, stagedRecord{recordVersion{e.RecordID, w.rows.hash}, i})
		w.partitions.noteMonth(e)
		if w.rows.bufferedBytes() >= size {
			err = send()
		}
		return err == nil
	})
	t.whole = err == nil
	if len(t.records) > 0 {
		t.first, t.middle = t.records[0].index, max(t.records[len(t.records)/2].index, t.records[0].index+1)
	}
	return err
}

func (w *batchWrite) appendEvent(i int, e *session.Event, send func() error) (reason string, err error) {
	reason, isWider := w.rows.appendRow(i, e, w.contentHash)
	if !isWider {
		return reason, nil
	}
	// The event has columns that those before it had not.
	if w.rows.bufferedBytes() > 0 {
		if err := send(); err != nil {
			return "", err
		}
	}
	w.rows.widenColumns()
	reason, _ = w.rows.appendRow(i, e, w.contentHash)
	return reason, nil
}

// isOnlyRecord reports whether the one record that was staged is all that the span has. Where it is as large as a chunk the server may have
// refused it before the walk saw what follows.
func (t *spanAttempt) isOnlyRecord(to int) bool { return t.staged == 1 && (t.whole || t.first+1 == to) }

// copyDirectly copies the span into session_events and commits. The months that its first piece wants are made before; what
// wants others goes into the default partition, and moves when they are made.
func (w *batchWrite) copyDirectly(ctx context.Context, t *spanAttempt, from, to int) error {
	var stream *copyStream
	begun, widened := false, 0
	send := func() (err error) {
		if stream != nil && widened != w.rows.widened {
			finished := stream
			stream = nil
			if err = finished.finishCopy(); err != nil {
				return err
			}
		}
		if !begun {
			begun = true
			if err = w.beginCopy(ctx); err != nil {
				return err
			}
		}
		if stream == nil {
			stream, widened = startCopy(ctx, w.conn, w.rows.copyInto(w.sql.events)), w.rows.widened
		}
		_, err = stream.Write(w.rows.buf)
		w.rows.truncateBuffer()
		return err
	}
	err := w.walkSpan(ctx, t, from, to, pieceSize, send)
	if err == nil && w.rows.bufferedBytes() > 0 {
		err = send()
	}
	if stream != nil {
		if failed := stream.finishCopy(); failed != nil { // the server's own answer says most
			err = failed
		}
	}
	if err != nil || t.staged == 0 {
		return err
	}
	t.written, t.isDirect = t.staged, true
	return w.commitUninterrupted(ctx, w.sql.noteUncounted(t.records, func(session.ID) bool { return true }))
}

func (w *batchWrite) beginCopy(ctx context.Context) error {
	w.makePartitions(ctx)
	return execStatements(ctx, w.conn, "BEGIN")
}

func (w *batchWrite) sendToStaging(ctx context.Context, t *spanAttempt) error {
	if !t.begun {
		t.begun = true
		if err := execStatements(ctx, w.conn, w.sql.begin); err != nil {
			return err
		}
	}
	err := w.rows.sendRows(ctx, w.conn, w.rows.copyInto(stagingTable))
	w.rows.truncateBuffer()
	return err
}

func (w *batchWrite) writeStaged(ctx context.Context, t *spanAttempt, from, to int) error {
	send := func() error { return w.sendToStaging(ctx, t) }
	err := w.walkSpan(ctx, t, from, to, chunkSize, send)
	if err == nil && w.rows.bufferedBytes() > 0 {
		err = send()
	}
	if err != nil || t.staged == 0 {
		return err
	}
	// Until the insert nothing of session_events is locked, so that partitions can be made over another connection.
	w.makePartitions(ctx)
	rows, err := queryRows(ctx, w.conn, w.sql.insert)
	if err != nil {
		return err
	}
	t.written, t.inserted = len(rows), make(map[session.ID]bool, len(rows))
	for _, row := range rows {
		id, _ := session.ParseID(row[0])
		t.inserted[id] = true
	}
	if w.repeats = t.written < t.staged; w.repeats {
		if err := w.keepConflicts(ctx, t); err != nil {
			return err
		}
	}
	return w.commitUninterrupted(ctx, w.sql.noteUncounted(t.records, func(id session.ID) bool { return t.inserted[id] }))
}

func (w *batchWrite) keepConflicts(ctx context.Context, t *spanAttempt) error {
	rows, err := queryRows(ctx, w.conn, w.sql.keep)
	if err != nil {
		return err
	}
	t.kept = map[recordVersion]bool{}
	for _, row := range rows {
		var v recordVersion
		v.id, _ = session.ParseID(row[1])
		if _, err := hex.Decode(v.hash[:], []byte(row[2])); err == nil {
			t.kept[v] = row[1] != ""
		}
	}
	t.conflicts, err = strconv.Atoi(rows[0][0])
	return err
}

// commitUninterrupted commits after a last statement. It is not interrupted: its result would stay unknown.
func (w *batchWrite) commitUninterrupted(ctx context.Context, last string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	return execStatements(ctx, w.conn, last+"COMMIT")
}
