package verify

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// mostUnsealed is how many rows without a seal may wait for it: a collector writes while it is verified.
var mostUnsealed = 100_000

// lateInterval is between two looks for seals that were stored meanwhile.
const lateInterval = time.Second

// lateRow is a row without a seal. Several may have one id.
type lateRow struct {
	table string
	id    session.ID
	hash  [16]byte // of the content
}

// waitingRow is one that may get its seal yet, or go, where its erasure was stated.
type waitingRow struct {
	lateRow
	erasure time.Time
}

func lateRowOf(e *session.Event, table string) lateRow {
	return lateRow{table, e.RecordID, seal.NewCommitter(seal.Seed{}).Entry(seal.KindEvent, e).Hash}
}

// checkLateSeals holds rows that had no seal against the seals that came since, until a moment.
func (v *tableVerifier) checkLateSeals(ctx context.Context, until time.Time) error {
	defer func(of erasedRecords, hashed int) { v.erased, v.hashes = of, v.hashes[:hashed] }(v.erased, len(v.hashes)) // those of late ones are not looked at
	v.erased = nil                                                                                                   // of one table, and of what was sealed before
	for len(v.unsealed) > 0 {
		last := !time.Now().Before(until)
		if err := v.readLateSeals(ctx); err != nil {
			return err
		}
		rows := v.unsealed
		v.unsealed = nil
		for _, from := range v.tablesOfRecords() {
			waiting := map[lateRow]time.Time{}
			for _, r := range rows {
				if r.table == from.name {
					waiting[r.lateRow] = r.erasure
				}
			}
			if err := v.compareLateRows(ctx, from.name, from.table, waiting, last); err != nil {
				return err
			}
		}
		if len(v.unsealed) == 0 || last {
			return nil
		}
		select {
		case <-time.After(min(lateInterval, time.Until(until))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (v *tableVerifier) compareLateRows(ctx context.Context, name, table string, waiting map[lateRow]time.Time, last bool) error {
	if len(waiting) == 0 {
		return nil
	}
	entries := map[session.ID][]sealedEntry{}
	for r := range waiting {
		entries[r.id] = nil
	}
	if err := v.readLateEntries(ctx, name, entries); err != nil {
		return err
	}
	for e, err := range sealquery.Records(ctx, v.store, table, slices.Collect(maps.Keys(entries))) {
		if err != nil {
			return err
		}
		row := lateRowOf(e, name)
		erasure, isWaiting := waiting[row]
		switch {
		case !isWaiting: // another one of its id
		case slices.ContainsFunc(entries[e.RecordID], func(s sealedEntry) bool { return v.isOf(&s, e) }) || name == "session_events" && len(entries[e.RecordID]) > 0:
			v.compareRow(e, entries[e.RecordID], name)
		case last && !erasure.IsZero():
			v.report(Finding{Kind: KindNotErased, RecordID: e.RecordID, Table: name, Time: time.Unix(0, e.Time).UTC(), Sealed: erasure, Detail: "its erasure was stated: call forget again, or somebody has put it back"})
		case last:
			v.report(Finding{Kind: KindInserted, RecordID: e.RecordID, Table: name, Time: time.Unix(0, e.Time).UTC()})
		default:
			v.unsealed = append(v.unsealed, waitingRow{row, erasure})
		}
	}
	return nil
}

// readLateEntries fills in the entries of ids that came since the records were read.
func (v *tableVerifier) readLateEntries(ctx context.Context, name string, entries map[session.ID][]sealedEntry) error {
	ids := slices.SortedFunc(maps.Keys(entries), compareIDs)
	return v.eachLateEntry(ctx, ids[0], ids[len(ids)-1], func(e sealedEntry) {
		if all, asked := entries[e.ID]; asked && e.Kind.IsRecord() && (e.Kind == seal.KindConflict) == (name == "session_conflicts") {
			entries[e.ID] = append(all, e)
		}
	})
}

func (v *tableVerifier) eachLateEntry(ctx context.Context, low, high session.ID, do func(sealedEntry)) error {
	for i := v.known; i < len(v.seals); i++ {
		r := &v.seals[i]
		if compareIDs(r.min, high) > 0 || compareIDs(r.max, low) < 0 {
			continue
		}
		s, err := v.readSeal(ctx, r)
		if err != nil {
			return err
		}
		if s == nil {
			continue
		}
		from := &stretchSeal{r, s.Seed}
		for e, err := range seal.Entries(s.Manifest) {
			if err != nil {
				break // it was found before
			}
			do(sealedEntry{Entry: e, from: from})
		}
	}
	return nil
}

type missingRecord struct {
	from    *sealedRange
	finding Finding
}

// judgeMissing looks for erasures that were stated since the seals were read: they are, before anything is deleted.
func (v *tableVerifier) judgeMissing(ctx context.Context, table string) error {
	missing := v.missing
	if v.missing = v.missing[:0]; len(missing) == 0 {
		return nil
	}
	if err := v.readLateSeals(ctx); err != nil {
		return err
	}
	if err := v.checkErasures(ctx); err != nil {
		return err
	}
	ids := map[session.ID]bool{}
	for _, m := range missing {
		ids[m.finding.RecordID] = true
	}
	var late stretchEntries
	err := v.eachLateEntry(ctx, missing[0].finding.RecordID, missing[len(missing)-1].finding.RecordID, func(e sealedEntry) {
		if ids[e.ID] && e.Kind.IsErasure() {
			late.erased = append(late.erased, e)
		}
	})
	stated := late.erasures(table)
	for _, m := range missing {
		if stated.cover(m.finding.RecordID, m.from) {
			v.summary.Erased++
			continue
		}
		v.report(m.finding)
	}
	return err
}

// readLateSeals goes on from where each log ended, and with those that have begun since.
func (v *tableVerifier) readLateSeals(ctx context.Context) error {
	names, err := sealquery.Logs(ctx, v.store)
	if err != nil {
		return err
	}
	if begun := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(v.names, name) }); len(begun) > 0 {
		v.names = append(v.names, begun...)
		if err := v.checkEachLog(ctx, begun, nil); err != nil {
			return err
		}
	}
	for _, w := range v.walks {
		if !w.known {
			continue
		}
		w.tip = w.end
		for s, err := range sealquery.Seals(ctx, v.store, w.log.name, w.tip.Size) {
			if err != nil {
				return err
			}
			w.checkSeal(s)
		}
		w.reportBad()
	}
	return nil
}
