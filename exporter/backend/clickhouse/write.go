package clickhouse

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// write is one call of Write on its connection.
type write struct {
	*link
	events iter.Seq2[int, *session.Event]
	oldest int64
	result backend.Result
}

// fate is what becomes of a record of the batch.
type fate uint8

const (
	fateNew fate = iota
	fateDuplicate
	fateConflict
)

// run inserts what the table does not have, and keeps aside what says something else than the record of its id.
func (w *write) run(ctx context.Context) error {
	whole, err := w.scan(ctx)
	if err != nil || len(w.keys) == 0 {
		return err
	}
	end, err := w.flights.begin(ctx, w.unique)
	if err != nil {
		return err
	}
	defer end()
	stored, err := w.versions(ctx, w.sql.stored, w.unique)
	if err != nil {
		return err
	}
	repeated := w.decide(stored)
	switch {
	case w.result.Written == 0:
	case whole && w.result.Written == len(w.keys):
		err = w.insert(ctx, w.sql.insert, w.block.all, w.done)
	default:
		err = w.stream(ctx, w.sql.insert, fateNew)
	}
	if err == nil && len(repeated) > 0 {
		err = w.feed(ctx, repeated)
	}
	if err == nil && w.result.Conflicts > 0 {
		err = w.keepConflicts(ctx)
	}
	return err
}

// scan walks the batch for the first time. It makes the rows as well, as if none were there already, which is nearly always
// so; whole tells whether they all fit into the block.
func (w *write) scan(ctx context.Context) (whole bool, err error) {
	if w.block == nil {
		w.block = newBlock()
	}
	w.block.reset()
	w.keys, w.hashes, whole = w.keys[:0], w.hashes[:0], true
	for i, e := range w.events {
		if len(w.keys)%64 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		if e.Time < w.oldest {
			w.result.Expired++
			continue
		}
		if reason := refusal(e); reason != "" {
			w.result.Rejected = append(w.result.Rejected, backend.Rejection{Index: i, Reason: reason})
			continue
		}
		hash := e.ContentHash(&w.hasher)
		w.keys, w.hashes = append(w.keys, key{idOf(e.RecordID[:]), len(w.keys)}), append(w.hashes, hash)
		if whole = whole && !w.block.full(); whole {
			w.block.add(e, hash)
		}
	}
	sortKeys(w.keys)
	w.unique = w.unique[:0]
	for i, k := range w.keys {
		if i == 0 || k.id != w.keys[i-1].id {
			w.unique = append(w.unique, k.id)
		}
	}
	return whole, ctx.Err()
}

// accepted walks the batch again, with the ordinals that scan gave.
func (w *write) accepted(yield func(int, *session.Event) bool) {
	ordinal := 0
	for _, e := range w.events {
		if e.Time < w.oldest || refusal(e) != "" {
			continue
		}
		if !yield(ordinal, e) {
			return
		}
		ordinal++
	}
}

// decide gives each record its fate: of each id that is not stored the first is new, and the others are compared with it. It returns the
// ids of duplicates of stored records.
func (w *write) decide(stored []version) (repeated []id) {
	w.fates = append(w.fates[:0], make([]fate, len(w.keys))...)
	var first version
	isStored := false
	for i, k := range w.keys {
		hash := w.hashes[k.ordinal]
		if i == 0 || k.id != first.id {
			for len(stored) > 0 && stored[0].compare(k.id) < 0 {
				stored = stored[1:]
			}
			if isStored = len(stored) > 0 && stored[0].id == k.id; !isStored {
				first = version{k.id, hash}
				w.result.Written++
				continue
			}
			first = stored[0]
		}
		if hash != first.hash {
			w.fates[k.ordinal] = fateConflict
			w.result.Conflicts++
			continue
		}
		w.fates[k.ordinal] = fateDuplicate
		w.result.Duplicates++
		if isStored && (len(repeated) == 0 || repeated[len(repeated)-1] != k.id) {
			repeated = append(repeated, k.id)
		}
	}
	return repeated
}

// keepConflicts puts the versions aside that are not there yet, one writer at a time, so that each is kept once.
func (w *write) keepConflicts(ctx context.Context) error {
	w.conflicts.Lock()
	defer w.conflicts.Unlock()
	var ids []id
	for _, k := range w.keys {
		if w.fates[k.ordinal] == fateConflict && (len(ids) == 0 || ids[len(ids)-1] != k.id) {
			ids = append(ids, k.id)
		}
	}
	there, err := w.versions(ctx, w.sql.kept, ids)
	if err != nil {
		return err
	}
	kept := map[version]bool{}
	for _, v := range there {
		kept[v] = true
	}
	added := false
	for _, k := range w.keys {
		if w.fates[k.ordinal] != fateConflict {
			continue
		}
		v := version{k.id, w.hashes[k.ordinal]}
		if kept[v] {
			w.fates[k.ordinal] = fateDuplicate
		}
		added = added || !kept[v]
		kept[v] = true
	}
	if !added {
		return nil
	}
	return w.stream(ctx, w.sql.conflict, fateConflict)
}

// done says that the block that was sent was the last.
func (w *write) done() error {
	w.block.reset()
	return io.EOF
}

// stream inserts the records of this fate, block after block: memory does not grow with the batch.
func (w *write) stream(ctx context.Context, sql string, of fate) error {
	next, stop := iter.Pull2(w.accepted)
	defer stop()
	w.block.reset()
	return w.insert(ctx, sql, w.block.all, func() error {
		w.block.reset()
		for !w.block.full() {
			ordinal, e, ok := next()
			if !ok {
				return io.EOF
			}
			if ordinal >= len(w.fates) {
				return errChanged
			}
			if w.fates[ordinal] == of {
				w.block.add(e, w.hashes[ordinal])
			}
		}
		return nil
	})
}

var errChanged = errors.New("the batch changed while it was walked again")

// maxRecord is far below what a block may take, and far above what a login says.
const maxRecord = 64 << 20

func refusal(e *session.Event) string {
	if reason := backend.Refusal(e); reason != "" {
		return reason
	}
	if weight(e) > maxRecord {
		return "the record has more than 64 MiB"
	}
	return ""
}

// oldest is the time of the oldest event that is kept.
func (s *store) oldest() int64 {
	if s.ttl == 0 {
		return math.MinInt64
	}
	return s.now().Add(-s.ttl).UnixNano()
}
