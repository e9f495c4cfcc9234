package clickhouse

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/otel-sessionlog/sessionlog/session"
)

func compareIDs(a, b session.ID) int { return bytes.Compare(a[:], b[:]) }

// batchKey is the id of one of a batch's events, and which of them it is.
type batchKey struct {
	id      session.ID
	ordinal int
}

func sortBatchKeys(keys []batchKey) {
	slices.SortFunc(keys, func(a, b batchKey) int { return cmp.Or(compareIDs(a.id, b.id), cmp.Compare(a.ordinal, b.ordinal)) })
}

// inFlightIDs are the ids that are being written. Of two batches of this process that share an id the second waits, so that it finds
// what the first has written; between processes the table itself sees to it that the first one stays.
type inFlightIDs struct {
	mu      sync.Mutex
	batches []*inFlightBatch
}

type inFlightBatch struct {
	ids     []session.ID // sorted
	written chan struct{}
}

func (f *inFlightIDs) claimRecordIDs(ctx context.Context, ids []session.ID) (end func(), err error) {
	mine := &inFlightBatch{ids, make(chan struct{})}
	for {
		f.mu.Lock()
		other := slices.IndexFunc(f.batches, func(o *inFlightBatch) bool { return shareAnyRecordID(o.ids, ids) })
		if other < 0 {
			f.batches = append(f.batches, mine)
			f.mu.Unlock()
			return func() { f.releaseBatch(mine) }, nil
		}
		landed := f.batches[other].written
		f.mu.Unlock()
		select {
		case <-landed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (f *inFlightIDs) releaseBatch(mine *inFlightBatch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches = slices.DeleteFunc(f.batches, func(o *inFlightBatch) bool { return o == mine })
	close(mine.written)
}

func shareAnyRecordID(a, b []session.ID) bool {
	if len(a) == 0 || len(b) == 0 || compareIDs(a[len(a)-1], b[0]) < 0 || compareIDs(b[len(b)-1], a[0]) < 0 { // they are of different times
		return false
	}
	for len(a) > 0 && len(b) > 0 {
		switch c := compareIDs(a[0], b[0]); {
		case c == 0:
			return true
		case c < 0:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return false
}
