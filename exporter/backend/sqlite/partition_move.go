package sqlite

import (
	"fmt"
	"math"
	"slices"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite/sqlitex"
)

// rangeMove moves the border between two neighbouring partitions, some thousand rows a transaction: at each commit every record is where its
// range says. Whatever ends it, nothing is left half done.
type rangeMove struct {
	from, into string
	border     int64 // that is to be between the two in the end, unless from is merged
	merges     bool  // from is dropped in the end
}

func (w *groupWriter) movingFrom() *rangePartition {
	if w.move == nil {
		return nil
	}
	return w.partitions.named(w.move.from)
}

func (w *groupWriter) moveSlice() (more bool, err error) {
	if err := w.ensureOpen(); err != nil || w.move == nil {
		return false, err
	}
	m := w.move
	done := false
	err = w.changePartitions("moving records between partitions", func() (err error) {
		done, err = w.moveBorder(m)
		return err
	})
	if err != nil || done {
		w.move = nil
	}
	return w.move != nil, err
}

func (w *groupWriter) moveBorder(m *rangeMove) (done bool, err error) {
	from := slices.IndexFunc(w.partitions.ranges, func(p *rangePartition) bool { return p.table == m.from })
	into := slices.IndexFunc(w.partitions.ranges, func(p *rangePartition) bool { return p.table == m.into })
	switch {
	case from < 0 || into < 0: // somebody else has merged one of them
		return true, nil
	case into == from+1:
		return w.moveUp(w.partitions.ranges[from], w.partitions.ranges[into], m)
	case into == from-1 && m.merges: // only merges go down
		return w.moveDown(w.partitions.ranges[from], w.partitions.ranges[into])
	}
	return true, nil
}

func (w *groupWriter) moveUp(from, into *rangePartition, m *rangeMove) (done bool, err error) {
	if !m.merges && (m.border <= from.low || m.border >= into.low) { // another program has put a border there
		return true, nil
	}
	border, found, err := firstTimeOf(w.conn, fmt.Sprintf("SELECT hex(substr(record_id, 1, 6)) FROM %s ORDER BY record_id DESC LIMIT 1 OFFSET %d", from.table, sliceRows))
	if err != nil {
		return false, err
	}
	target := m.border
	if m.merges {
		target = from.low
	}
	if done = !found || border <= target; done {
		border = target
	}
	if tooMany, err := w.haveTooMany(from, ">= "+idsFrom(border)); tooMany || err != nil {
		return true, err
	}
	if err := w.moveRows(from.table, into.table, "record_id >= "+idsFrom(border)); err != nil {
		return false, err
	}
	if done && m.merges {
		if err := w.dropPartition(from); err != nil {
			return false, err
		}
	}
	return done, w.cfg.writeRange(w.conn, into.table, border)
}

// haveTooMany reports whether rows of one millisecond, between which no border can be, would make one transaction of a move too long. Then the two partitions stay as
// they are.
func (w *groupWriter) haveTooMany(from *rangePartition, side string) (bool, error) {
	most := max(w.limits.rows/fewRows, sliceRows)
	n, err := from.countUpTo(w.conn, side, most+1)
	if err != nil || n <= most {
		return false, err
	}
	from.crowded = true
	return true, nil
}

func (w *groupWriter) moveDown(from, into *rangePartition) (done bool, err error) {
	last, found, err := from.timeAt(w.conn, sliceRows)
	if err != nil {
		return false, err
	}
	if !found {
		if err := w.moveRows(from.table, into.table, "true"); err != nil {
			return false, err
		}
		return true, w.dropPartition(from)
	}
	border := last + 1
	if tooMany, err := w.haveTooMany(from, "< "+idsFrom(border)); tooMany || err != nil {
		return true, err
	}
	if err := w.moveRows(from.table, into.table, "record_id < "+idsFrom(border)); err != nil {
		return false, err
	}
	return false, w.cfg.writeRange(w.conn, from.table, border)
}

// dropPartition drops a table in the transaction that is open, and takes it out of the view.
func (w *groupWriter) dropPartition(p *rangePartition) error {
	if err := w.cfg.dropPartition(w.conn, p); err != nil {
		return err
	}
	return w.cfg.makeEventsView(w.conn)
}

func (w *groupWriter) mergeIfMany() error {
	all := w.partitions.ranges
	if w.move != nil || len(all) <= w.limits.tables*3/4 {
		return nil
	}
	var m *rangeMove
	least := int64(math.MaxInt64)
	// The newest stays as it is.
	for i := range len(all) - 2 {
		for _, p := range all[i : i+2] {
			if p.rows == notCounted {
				if err := p.count(w.conn); err != nil {
					return w.explainFailure("counting", err)
				}
			}
		}
		from, into := all[i+1], all[i]
		if into.rows < from.rows {
			from, into = into, from
		}
		if both := from.rows + into.rows; both < least && !from.crowded {
			least, m = both, &rangeMove{from: from.table, into: into.table, merges: true}
		}
	}
	if m == nil {
		return nil
	}
	w.startMove(m)
	w.log.Debug("partitions are merged", zap.String("from", w.move.from), zap.String("into", w.move.into), zap.Int64("rows", least))
	return nil
}

func (w *groupWriter) tendWhileQuiet() {
	if w.conn == nil {
		return
	}
	arrived := w.partitions.nextArrival - w.arrivalBefore
	w.arrivalBefore = w.partitions.nextArrival
	// Every ten seconds: what would keep writers waiting when rows come in by the thousand a second.
	isBusy := arrived > busyRows
	err := w.ensureOpen()
	if err == nil {
		err = w.keepSummary(isBusy)
	}
	if err == nil && w.cfg.CreateSchema && (!isBusy || w.elapsed()-w.checkedAt >= checkWhileBusy) {
		err = w.tendTables(isBusy)
	}
	if err != nil {
		w.conditions.Raise(tendingFails, cannotTend, zap.Error(err))
		return
	}
	w.conditions.Clear(tendingFails, "indexes of partitions are made again")
}

func (w *groupWriter) tendTables(isBusy bool) (err error) {
	if len(w.unchecked) > 0 {
		w.checkedAt = w.elapsed()
		err = w.checkNextTable()
	}
	if err == nil && !isBusy {
		err = w.makeAllIndexes()
	}
	if err == nil && !isBusy && len(w.unchecked) == 0 { // what is damaged is found before it is copied
		err = w.mergeIfMany()
	}
	if err == nil && !isBusy && w.move == nil {
		err = w.makeSessionKeyIndexes()
	}
	return err
}

const (
	busyRows = 50_000 // in idleCheckInterval
	// checkWhileBusy is how often an older partition is checked while rows come in by the thousand a second.
	checkWhileBusy = 10 * time.Minute
	tendingFails   = "tending fails"
	cannotTend     = "indexes of a partition cannot be made, partitions not be merged, or logins not be counted for the questions about history: it is tried again"
)

func (w *groupWriter) makeAllIndexes() error {
	schema, err := queryNumber(w.conn, "PRAGMA schema_version")
	if err != nil || schema == w.indexedSchema {
		return w.explainFailure("reading the schema", err)
	}
	for _, p := range w.partitions.ranges {
		if err := w.makeIndexes(p); err != nil {
			return err
		}
	}
	w.indexedSchema = schema // where one has been made it is another by now
	return nil
}

// makeSessionKeyIndexes makes those of closed partitions, until somebody wants to write: sorting a partition's keys takes half a second.
func (w *groupWriter) makeSessionKeyIndexes() error {
	for _, p := range w.partitions.ranges {
		if p.keysIndexed {
			continue
		}
		if p.rows == notCounted {
			if err := p.count(w.conn); err != nil {
				return w.explainFailure("counting", err)
			}
		}
		if w.partitions.above(p) == nil && p.rows < w.limits.rows {
			return nil
		}
		there, err := namesOfIndexes(w.conn, p.table)
		if err != nil {
			return w.explainFailure("reading the schema", err)
		}
		x := sessionKeyIndex(p.table)
		if p.keysIndexed = there[x.name]; p.keysIndexed {
			continue
		}
		if len(w.queue) > 0 {
			return nil
		}
		if err := w.tendInTransaction("making an index", func() error { return sqlitex.ExecuteTransient(w.conn, x.sql, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// startMove lets rows be moved between the commits of callers.
func (w *groupWriter) startMove(m *rangeMove) {
	w.move = m
	w.moveTimer.Reset(sliceSoon)
}

func (w *groupWriter) moveNextSlice() {
	more, err := w.moveSlice()
	if more {
		w.moveTimer.Reset(sliceSoon)
	}
	if err != nil {
		w.conditions.Raise(tendingFails, cannotTend, zap.Error(err))
	}
}
