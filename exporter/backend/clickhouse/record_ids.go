package clickhouse

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"
)

// recordID is a record id as two numbers, which compare as its bytes do.
type recordID struct{ high, low uint64 }

func parseRecordID(b []byte) recordID {
	return recordID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

func (i recordID) appendBytes(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, i.high), i.low)
}

func (i recordID) compareBytes(o recordID) int {
	return cmp.Or(cmp.Compare(i.high, o.high), cmp.Compare(i.low, o.low))
}

// batchKey is the id of one of a batch's events, and which of them it is.
type batchKey struct {
	recordID
	ordinal int
}

func sortBatchKeys(keys []batchKey) {
	slices.SortFunc(keys, func(a, b batchKey) int { return cmp.Or(a.compareBytes(b.recordID), cmp.Compare(a.ordinal, b.ordinal)) })
}

// inFlightIDs are the ids that are being written. Of two batches of this process that share an id the second waits, so that it finds
// what the first has written; between processes the table itself sees to it that the first one stays.
type inFlightIDs struct {
	mu      sync.Mutex
	batches []*inFlightBatch
}

type inFlightBatch struct {
	ids     []recordID // sorted
	written chan struct{}
}

func (f *inFlightIDs) claimRecordIDs(ctx context.Context, ids []recordID) (end func(), err error) {
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

func shareAnyRecordID(a, b []recordID) bool {
	if len(a) == 0 || len(b) == 0 || a[len(a)-1].compareBytes(b[0]) < 0 || b[len(b)-1].compareBytes(a[0]) < 0 { // they are of different times
		return false
	}
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].compareBytes(b[0]); {
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
