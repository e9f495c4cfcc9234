package sqlite

import (
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// partitionLimits say how large and how many partitions become. Tests have smaller ones.
type partitionLimits struct {
	rows   int64 // from here on a partition is full
	tables int   // with ranges, at most
}

// The rows are what fills in seconds at full speed, so that the indexes that are still to be made are made in half a second; the tables are
// what SQLite prepares a question for in some milliseconds.
var defaultPartitionLimits = partitionLimits{rows: 250_000, tables: 64}

const (
	// fewRows of a full partition, as a share, are moved at once into the next.
	fewRows = 4
	// shortestSpan is the least stretch of time that ttl makes a partition of.
	shortestSpan = time.Hour
	// distantFuture is how far ahead of what comes now a record must be to be set apart: its clock is wrong.
	distantFuture = 24 * time.Hour

	growthFails     = "partitions fail"
	impossibleIndex = "impossible index"
)

func (w *groupWriter) tendPartitions() {
	if w.conn == nil || !w.cfg.CreateSchema {
		return
	}
	for _, p := range w.partitions.ranges {
		if !p.grown || p == w.movingFrom() {
			continue
		}
		p.grown = false
		if err := w.closeIfFull(p); err != nil {
			w.conditions.Raise(growthFails, "a full partition cannot be closed: it grows, which makes writing slower", zap.String("table", p.table), zap.Error(err))
			return
		}
	}
	w.conditions.Clear(growthFails, "full partitions are closed again")
}

func (w *groupWriter) closeIfFull(p *rangePartition) error {
	if p.rows == notCounted {
		if err := p.count(w.conn); err != nil {
			return w.explainFailure("counting", err)
		}
	}
	if p.rows < p.tryAgainAt {
		return nil
	}
	full := p.rows >= w.limits.rows
	if !full && w.ttl > 0 && p.rows >= recentCount {
		var err error
		if full, err = w.spansTooLong(p); err != nil {
			return w.explainFailure("reading a partition", err)
		}
	}
	if !full {
		return nil
	}
	if err := p.count(w.conn); err != nil { // what was rolled back, or deleted meanwhile, was counted too
		return w.explainFailure("counting", err)
	}
	if p.rows < w.limits.rows && w.ttl == 0 {
		return nil
	}
	p.tryAgainAt = p.rows + max(p.rows/8, recentCount)
	return w.splitPartition(p)
}

func (w *groupWriter) spansTooLong(p *rangePartition) (bool, error) {
	now, known := p.inserted.median()
	begin, found, err := p.timeAt(w.conn, min(100, p.rows/20)) // a few aside
	// A table is dropped when all it has is expired.
	return known && found && now-begin > max(w.ttl/10, shortestSpan).Milliseconds(), err
}

// splitPartition puts a border where the partition grows, and makes a new table beyond it, for what is to come. Records that lie there already
// are moved: few, as a rule.
func (w *groupWriter) splitPartition(p *rangePartition) error {
	now, known := p.inserted.median()
	if !known || len(w.partitions.ranges) >= w.limits.tables {
		return nil
	}
	few, end := w.limits.rows/fewRows, w.partitions.end(p)
	if border := now + 1; border < end {
		above, err := p.countUpTo(w.conn, ">= "+idsFrom(border), few+1)
		if err != nil {
			return w.explainFailure("counting", err)
		}
		if above <= few {
			return w.openAbove(p, border)
		}
		below, err := p.countUpTo(w.conn, "< "+idsFrom(border), few+1)
		if err != nil {
			return w.explainFailure("counting", err)
		}
		if below <= few {
			return w.openBelow(p, border)
		}
	}
	return w.setApart(p, now, end)
}

// setApart begins to move what lies far ahead of what comes now into a table of its own, so that it is in nobody's way when the partition is
// split; or the upper half of a partition that others keep filling in its middle.
func (w *groupWriter) setApart(p *rangePartition, now, end int64) error {
	if w.move != nil || p.low+1 >= end || p.crowded {
		return nil
	}
	border, found, err := firstTimeOf(w.conn, "SELECT hex(substr(record_id, 1, 6)) FROM "+p.table+" WHERE record_id >= "+
		idsFrom(now+distantFuture.Milliseconds())+" ORDER BY record_id LIMIT 1")
	if err == nil && !found && p.rows >= 2*w.limits.rows {
		border, found, err = p.timeAt(w.conn, p.rows/2)
	}
	if err != nil || !found || border <= p.low {
		return w.explainFailure("reading a partition", err)
	}
	if border >= end-1 {
		return w.openAbove(p, border)
	}
	if err := w.openAbove(p, end-1); err != nil {
		return err
	}
	if next := w.partitions.above(p); next != nil {
		w.startMove(&rangeMove{from: p.table, into: next.table, border: border})
	}
	return nil
}

// openAbove makes a table for the ids from border on, and moves there what the partition has of them.
func (w *groupWriter) openAbove(p *rangePartition, border int64) error {
	return w.openPartition(p, border, ">= ", func(table string) error { return w.cfg.createPartition(w.conn, table, border) })
}

func (w *groupWriter) openBelow(p *rangePartition, border int64) error {
	return w.openPartition(p, border, "< ", func(table string) error {
		low := p.low
		if err := w.cfg.writeRange(w.conn, p.table, border); err != nil {
			return err
		}
		return w.cfg.createPartition(w.conn, table, low)
	})
}

func (w *groupWriter) openPartition(p *rangePartition, border int64, side string, create func(table string) error) error {
	table := ""
	err := w.changePartitions("opening a partition", func() error {
		if p.low >= border || border >= w.partitions.end(p) {
			return nil // another program has put a border there
		}
		name, err := w.cfg.newPartitionName(w.conn, w.partitions)
		if err != nil {
			return err
		}
		table = name
		if err := create(table); err != nil {
			return err
		}
		if err := w.moveRows(p.table, table, "record_id "+side+idsFrom(border)); err != nil {
			return err
		}
		return w.cfg.makeEventsView(w.conn)
	})
	if err != nil || table == "" {
		return err
	}
	w.log.Debug("partition opened", zap.String("table", table), zap.Time("border", time.UnixMilli(border).UTC()), zap.String("closed", p.table))
	return w.makeIndexes(p)
}

// changePartitions runs do in a transaction, and then reads the catalogue that it has left.
func (w *groupWriter) changePartitions(doing string, do func() error) error {
	if err := w.tendInTransaction(doing, do); err != nil || w.conn == nil {
		return err
	}
	return w.reloadPartitions()
}

// tendInTransaction runs do in a transaction that no caller waits for.
func (w *groupWriter) tendInTransaction(doing string, do func() error) error {
	err := w.beginTransaction()
	if err != nil {
		return err
	}
	if err = do(); err == nil {
		err = executeStatement(w.conn, "COMMIT")
	}
	if err != nil {
		w.rollbackOrClose()
		return w.explainFailure(doing, err)
	}
	return w.checkFilesUnchanged(true)
}

// moveRows moves rows from one table into another. Their place in the order of arrival stays.
func (w *groupWriter) moveRows(from, into, where string) error {
	var moved [2]int
	for i, sql := range []string{"INSERT INTO " + into + " SELECT * FROM " + from + " WHERE " + where, "DELETE FROM " + from + " WHERE " + where} {
		if err := sqlitex.ExecuteTransient(w.conn, sql, nil); err != nil {
			return fmt.Errorf("moving records from %s to %s, where a UNIQUE index or a trigger of somebody else's may be in the way: %w", from, into, err)
		}
		moved[i] = w.conn.Changes()
	}
	if moved[0] != moved[1] {
		return fmt.Errorf("moving records from %s to %s: %d were written and %d deleted: DROP the triggers that somebody has put on these tables", from, into, moved[0], moved[1])
	}
	for _, p := range w.partitions.ranges {
		if p.table == from || p.table == into {
			p.rows = notCounted
		}
	}
	return nil
}

// makeIndexes gives a partition those indexes that were put off, each in a transaction of its own.
func (w *groupWriter) makeIndexes(p *rangePartition) error {
	missing, err := w.cfg.missingIndexes(w.conn, p.table)
	if err != nil {
		return w.explainFailure("reading the schema", err)
	}
	for _, x := range missing {
		if slices.Contains(p.impossibleIndexes, x.name) {
			continue
		}
		err := w.tendInTransaction("making an index", func() error { return sqlitex.ExecuteTransient(w.conn, x.sql, nil) })
		switch {
		case sqlite.ErrCode(err).ToPrimary() == sqlite.ResultConstraint:
			p.impossibleIndexes = append(p.impossibleIndexes, x.name)
			w.conditions.Raise(impossibleIndex, "a UNIQUE index that somebody has put on session_events_other cannot be made on a partition, whose rows are not unique: DROP it there; "+
				"until the next start it is left out", zap.String("table", p.table), zap.String("index", x.name))
		case err != nil:
			return err
		}
	}
	return nil
}
