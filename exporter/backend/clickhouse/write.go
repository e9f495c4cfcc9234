package clickhouse

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

type batchWrite struct {
	*serverConn
	events      iter.Seq2[int, *session.Event]
	contentHash backend.ContentHash
	oldest      int64
	result      backend.Result
}

func (w *batchWrite) writeBatch(ctx context.Context) error {
	whole, err := w.scanBatch(ctx)
	if err != nil || len(w.keys) == 0 {
		return err
	}
	end, err := w.inFlight.claimRecordIDs(ctx, w.unique)
	if err != nil {
		return err
	}
	defer end()
	stored, err := w.queryVersions(ctx, w.sql.stored, w.unique)
	if err != nil {
		return err
	}
	repeated := w.decideFates(stored)
	switch {
	case w.result.Written == 0:
	case whole && w.result.Written == len(w.keys):
		err = w.insertBlocks(ctx, w.sql.insert, w.rows.all, w.endOfBlocks)
	default:
		err = w.insertWithFate(ctx, w.sql.insert, backend.FateNew)
	}
	if err == nil && len(repeated) > 0 {
		err = w.repeatDerived(ctx, repeated)
	}
	if err == nil && w.result.Conflicts > 0 {
		err = w.keepConflicts(ctx)
	}
	return err
}

func (w *batchWrite) scanBatch(ctx context.Context) (whole bool, err error) {
	if w.rows == nil {
		w.rows = newRowBlock()
	}
	// Rows are made at once, as if none were stored already, which is nearly always so.
	w.rows.resetColumns()
	w.keys, w.hashes, w.places, whole = w.keys[:0], w.hashes[:0], w.places[:0], true
	for i, e := range w.events {
		if len(w.keys)%64 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if e.Time < w.oldest {
			w.result.Expired++
			continue
		}
		if reason := refusalReason(e); reason != "" {
			w.result.Rejected = append(w.result.Rejected, backend.Rejection{Index: i, Reason: reason})
			continue
		}
		hash := w.contentHash(i, e)
		w.keys, w.hashes = append(w.keys, batchKey{e.RecordID, len(w.keys)}), append(w.hashes, hash)
		w.places = append(w.places, i)
		if whole = whole && !w.rows.isLargeEnough(); whole {
			w.rows.appendRow(e, hash)
		}
	}
	sortBatchKeys(w.keys)
	w.unique = w.unique[:0]
	for i, k := range w.keys {
		if i == 0 || k.id != w.keys[i-1].id {
			w.unique = append(w.unique, k.id)
		}
	}
	return whole, ctx.Err()
}

func (w *batchWrite) acceptedEvents(yield func(int, *session.Event) bool) {
	ordinal := 0
	for _, e := range w.events {
		if e.Time < w.oldest || refusalReason(e) != "" {
			continue
		}
		if !yield(ordinal, e) {
			return
		}
		ordinal++
	}
}

func (w *batchWrite) decideFates(stored []recordVersion) (repeated []session.ID) {
	w.fates = append(w.fates[:0], make([]backend.Fate, len(w.keys))...)
	var first recordVersion
	isStored := false
	for i, k := range w.keys {
		hash := w.hashes[k.ordinal]
		if i == 0 || k.id != first.id {
			for len(stored) > 0 && compareIDs(stored[0].id, k.id) < 0 {
				stored = stored[1:]
			}
			if isStored = len(stored) > 0 && stored[0].id == k.id; !isStored {
				first = recordVersion{k.id, hash}
				w.fates[k.ordinal] = backend.FateNew
				w.result.Written++
				continue
			}
			first = stored[0]
		}
		if hash != first.hash {
			w.fates[k.ordinal] = backend.FateConflict
			w.result.Conflicts++
			continue
		}
		w.fates[k.ordinal] = backend.FateDuplicate
		w.result.Duplicates++
		if isStored && (len(repeated) == 0 || repeated[len(repeated)-1] != k.id) {
			repeated = append(repeated, k.id)
		}
	}
	return repeated
}

func (w *batchWrite) keepConflicts(ctx context.Context) error {
	w.keepingConflicts.Lock() // so that each version is kept once
	defer w.keepingConflicts.Unlock()
	var ids []session.ID
	for _, k := range w.keys {
		if w.fates[k.ordinal] == backend.FateConflict && (len(ids) == 0 || ids[len(ids)-1] != k.id) {
			ids = append(ids, k.id)
		}
	}
	there, err := w.queryVersions(ctx, w.sql.kept, ids)
	if err != nil {
		return err
	}
	kept := map[recordVersion]bool{}
	for _, v := range there {
		kept[v] = true
	}
	added := false
	for _, k := range w.keys {
		if w.fates[k.ordinal] != backend.FateConflict {
			continue
		}
		v := recordVersion{k.id, w.hashes[k.ordinal]}
		if kept[v] {
			w.fates[k.ordinal] = backend.FateDuplicate
		}
		added = added || !kept[v]
		kept[v] = true
	}
	if !added {
		return nil
	}
	return w.insertWithFate(ctx, w.sql.conflict, backend.FateConflict)
}

func (w *batchWrite) fatesByIndex() (all []backend.Fate) {
	if len(w.places) > 0 {
		all = make([]backend.Fate, w.places[len(w.places)-1]+1)
	}
	for ordinal, place := range w.places {
		all[place] = w.fates[ordinal]
	}
	return all
}

func (w *batchWrite) endOfBlocks() error {
	w.rows.resetColumns()
	return io.EOF
}

// insertWithFate inserts the records of this fate, block after block: memory does not grow with the batch.
func (w *batchWrite) insertWithFate(ctx context.Context, sql string, of backend.Fate) error {
	next, stop := iter.Pull2(w.acceptedEvents)
	defer stop()
	w.rows.resetColumns()
	return w.insertBlocks(ctx, sql, w.rows.all, func() error {
		w.rows.resetColumns()
		for !w.rows.isLargeEnough() {
			ordinal, e, ok := next()
			if !ok {
				return io.EOF
			}
			if ordinal >= len(w.fates) {
				return errChanged
			}
			if w.fates[ordinal] == of {
				w.rows.appendRow(e, w.hashes[ordinal])
			}
		}
		return nil
	})
}

var errChanged = errors.New("the batch changed while it was walked again")

// maxRecord is far below what a block may take, and far above what a login says.
const maxRecord = 64 << 20

func refusalReason(e *session.Event) string {
	if reason := backend.RefusalReason(e); reason != "" {
		return reason
	}
	if e.TextBytes() > maxRecord {
		return "the record has more than 64 MiB"
	}
	return ""
}
