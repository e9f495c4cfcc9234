package postgresql

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/session"
)

// compare counts the staged records that say something else than the one with their id, and keeps them aside. What differs in a
// column need not be another version: of one event, two doors to its source tell more and less.
func (w *write) compare(ctx context.Context, t *transaction, to int) error {
	first, err := w.differing(ctx)
	if err != nil || len(first) == 0 {
		return err
	}
	begun := false
	send := func() error {
		if !begun {
			begun = true
			if err := exec(ctx, w.conn, w.sql.clear); err != nil {
				return err
			}
		}
		err := w.rows.send(ctx, w.conn, w.sql.stage)
		w.rows.reset()
		return err
	}
	w.rows.reset()
	w.again(t, to, func(e *session.Event) bool {
		if known := first[e.RecordID]; known == nil || known.SameContent(e) {
			return true
		}
		_ = w.rows.add(e) // it has been staged before, so it fits
		if t.conflicts++; w.rows.size() >= chunkSize {
			err = send()
		}
		return err == nil
	})
	if err == nil && w.rows.size() > 0 {
		err = send()
	}
	if err != nil || t.conflicts == 0 {
		return err
	}
	return exec(ctx, w.conn, w.sql.keep)
}

// differing are the stored records that have to be compared, by their ids. One that cannot be read, since somebody else has
// written it, is like no other.
func (w *write) differing(ctx context.Context) (map[session.ID]*session.Event, error) {
	found := map[session.ID]*session.Event{}
	var e session.Event
	err := eachRow(ctx, w.conn, w.sql.differing, func(cells *row) error {
		unreadable := cells.event(&e)
		if found[e.RecordID] != nil {
			return nil
		}
		first := &session.Event{}
		if unreadable == nil {
			e.CopyTo(first)
		}
		found[e.RecordID] = first
		return nil
	})
	return found, err
}

// again walks the records that were staged, until f says that it has seen enough.
func (w *write) again(t *transaction, to int, f func(e *session.Event) bool) {
	next := 0
	w.events(func(i int, e *session.Event) bool {
		if next == len(t.indexes) || i >= to {
			return false
		}
		if i != t.indexes[next] {
			return true
		}
		next++
		return f(e)
	})
}
