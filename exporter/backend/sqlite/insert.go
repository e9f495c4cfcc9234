package sqlite

import (
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

const (
	tooLarge        = "the record takes more than 64 MiB"
	refusedByOthers = "a UNIQUE index, a CHECK or a trigger that somebody has put on the tables of session_events refuses the record: DROP it"
)

var errNotThere = errors.New("a record was refused as known, and is not there: the index on record_id is damaged")

func (w *groupWriter) isForeignConstraint(p *rangePartition, err error) bool {
	// None of ours refuses a record: the number of a row is given by us.
	code := sqlite.ErrCode(err)
	return code == sqlite.ResultConstraintUnique || code == sqlite.ResultConstraintCheck || code.ToPrimary() == sqlite.ResultConstraint && w.hasTriggers(p.table)
}

func (w *groupWriter) hasTriggers(table string) bool {
	n, err := queryNumber(w.conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", table)
	return err == nil && n > 0
}

func (w *groupWriter) insertEvents(r *writeRequest) (err error) {
	oldest := w.guard.OldestKept(w.ttl)
	for row := range w.events.readAhead(r.events, r.contentHash) {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if row.event.Time < oldest {
			r.result.Expired++
			continue
		}
		reason := backend.RefusalReason(&row.event)
		if reason == "" {
			var fate backend.Fate
			if fate, reason, err = w.insertEvent(row, &r.result); err != nil {
				return err
			}
			r.tellFate(row.index, fate)
		}
		if reason != "" {
			r.result.Rejected = append(r.result.Rejected, backend.Rejection{Index: row.index, Reason: reason})
		}
	}
	return nil
}

// insertEvent counts the event into result, or says why it cannot be stored. An error is the store's, not the event's.
func (w *groupWriter) insertEvent(row *preparedEvent, result *backend.Result) (fate backend.Fate, reason string, err error) {
	p := w.partitions.holding(row.event.RecordID)
	if err := p.prepare(w.conn); err != nil {
		return 0, "", err
	}
	b := p.insert
	if !b.bindEvent(&row.event, row.hash) {
		return 0, tooLarge, nil
	}
	b.bindArrival(w.partitions.nextArrival)
	switch _, err := b.stmt.Step(); {
	case sqlite.ErrCode(err).ToPrimary() == sqlite.ResultTooBig:
		return 0, tooLarge, nil
	case err != nil && !w.conn.AutocommitEnabled() && w.isForeignConstraint(p, err): // this statement alone was undone
		w.partitions.nextArrival++ // unless it ended with RAISE(FAIL) after the row
		return 0, refusedByOthers, nil
	case err != nil:
		return 0, "", err
	}
	if err := b.stmt.Reset(); err != nil {
		return 0, "", err
	}
	if w.conn.Changes() == 1 {
		w.partitions.nextArrival++
		p.grow()
		result.Written++
		return backend.FateNew, "", nil
	}
	return w.insertKnown(p, row, result)
}

// insertKnown is for an event whose id is there.
func (w *groupWriter) insertKnown(p *rangePartition, row *preparedEvent, result *backend.Result) (fate backend.Fate, reason string, err error) {
	stored, err := p.hashOf(row)
	switch {
	case errors.Is(err, errNotThere) && w.hasTriggers(p.table):
		return 0, refusedByOthers, nil
	case err != nil:
		return 0, "", err
	case stored == row.hash:
		result.Duplicates++
		return backend.FateDuplicate, "", nil
	}
	result.Conflicts++
	fate, err = w.keepAside(row)
	return fate, "", err
}

func (p *rangePartition) hashOf(row *preparedEvent) (hash [16]byte, err error) {
	stmt := p.storedHash
	stmt.BindBytes(1, row.event.RecordID[:])
	found, err := stmt.Step()
	if err != nil {
		return hash, err
	}
	if !found {
		return hash, errors.Join(errNotThere, stmt.Reset())
	}
	stmt.ColumnBytes(0, hash[:])
	return hash, stmt.Reset()
}

func (w *groupWriter) keepAside(row *preparedEvent) (backend.Fate, error) {
	b := w.st.conflict
	b.bindEvent(&row.event, row.hash)
	if _, err := b.stmt.Step(); err != nil {
		return 0, err
	}
	if w.conn.Changes() == 0 { // this version is there
		return backend.FateDuplicate, b.stmt.Reset()
	}
	return backend.FateConflict, b.stmt.Reset()
}
