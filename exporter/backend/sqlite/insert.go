package sqlite

import (
	"errors"
	"math"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// tooLarge is the reason of a refusal.
const tooLarge = "the record takes more than 64 MiB"

func (w *writer) insertEvents(r *writeRequest) (err error) {
	oldest := w.oldestKept()
	r.events(func(i int, e *session.Event) bool {
		if err = r.ctx.Err(); err != nil {
			return false
		}
		if e.Time < oldest {
			r.result.Expired++
			return true
		}
		reason := backend.Refusal(e)
		if reason == "" {
			reason, err = w.insertEvent(e, &r.result)
		}
		if reason != "" {
			r.result.Rejected = append(r.result.Rejected, backend.Rejection{Index: i, Reason: reason})
		}
		return err == nil
	})
	return err
}

// oldestKept is the time from which on events are kept. Older ones are left out: were they let in and deleted
// again, a source that delivers its history over and over would fill and empty the table.
func (w *writer) oldestKept() int64 {
	if w.ttl == 0 {
		return math.MinInt64
	}
	return w.now().Add(-w.ttl).UnixNano()
}

// insertEvent counts the event into result, or tells why it cannot be stored. An error is the store's, not the event's.
func (w *writer) insertEvent(e *session.Event, result *backend.Result) (reason string, err error) {
	b, hash := w.st.insert, e.ContentHash(&w.hasher)
	if !b.bindEvent(e, hash) {
		return tooLarge, nil
	}
	switch _, err := b.stmt.Step(); {
	case sqlite.ErrCode(err).ToPrimary() == sqlite.ResultTooBig:
		return tooLarge, nil
	case err != nil:
		return "", err
	}
	if err := b.stmt.Reset(); err != nil {
		return "", err
	}
	if w.conn.Changes() == 1 {
		result.Written++
		return "", nil
	}
	stored, err := w.storedHash(e)
	switch {
	case err != nil:
		return "", err
	case stored == hash:
		result.Duplicates++
		return "", nil
	}
	result.Conflicts++
	return "", w.keepAside(e, hash)
}

// storedHash is the content hash of the record that was there first.
func (w *writer) storedHash(e *session.Event) (hash [16]byte, err error) {
	stmt := w.st.storedHash
	stmt.BindBytes(1, e.RecordID[:])
	found, err := stmt.Step()
	if err != nil {
		return hash, err
	}
	if !found {
		return hash, errors.New("a record was refused as known, and is not there: the index on record_id is damaged")
	}
	stmt.ColumnBytes(0, hash[:])
	return hash, stmt.Reset()
}

// keepAside stores the second version. The same version again is ignored.
func (w *writer) keepAside(e *session.Event, hash [16]byte) error {
	b := w.st.conflict
	b.bindEvent(e, hash)
	if _, err := b.stmt.Step(); err != nil {
		return err
	}
	return b.stmt.Reset()
}
