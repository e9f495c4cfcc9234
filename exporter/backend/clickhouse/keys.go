package clickhouse

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"
)

// id is a record id as two numbers, which compare as its bytes do.
type id struct{ high, low uint64 }

func idOf(b []byte) id { return id{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])} }

func (i id) append(b []byte) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, i.high), i.low)
}

func (i id) compare(o id) int { return cmp.Or(cmp.Compare(i.high, o.high), cmp.Compare(i.low, o.low)) }

// key is the id of one of a batch's events, and which of them it is.
type key struct {
	id
	ordinal int
}

// sortKeys puts equal ids side by side, the first that came first.
func sortKeys(keys []key) {
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(a.compare(b.id), cmp.Compare(a.ordinal, b.ordinal)) })
}

// flights are the ids that are being written. Of two batches of this process that share an id the second waits, so that it finds
// what the first has written; between processes the table itself sees to it that the first one stays.
type flights struct {
	mu     sync.Mutex
	flying []*flight
}

type flight struct {
	ids    []id // sorted
	landed chan struct{}
}

// begin waits until nobody else writes any of ids, and calls end when they are written.
func (f *flights) begin(ctx context.Context, ids []id) (end func(), err error) {
	mine := &flight{ids, make(chan struct{})}
	for {
		f.mu.Lock()
		other := slices.IndexFunc(f.flying, func(o *flight) bool { return intersect(o.ids, ids) })
		if other < 0 {
			f.flying = append(f.flying, mine)
			f.mu.Unlock()
			return func() { f.end(mine) }, nil
		}
		landed := f.flying[other].landed
		f.mu.Unlock()
		select {
		case <-landed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (f *flights) end(mine *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flying = slices.DeleteFunc(f.flying, func(o *flight) bool { return o == mine })
	close(mine.landed)
}

// intersect tells whether two sorted lists share an id. Those of different times share none, which their ends tell.
func intersect(a, b []id) bool {
	if len(a) == 0 || len(b) == 0 || a[len(a)-1].compare(b[0]) < 0 || b[len(b)-1].compare(a[0]) < 0 {
		return false
	}
	for len(a) > 0 && len(b) > 0 {
		switch c := a[0].compare(b[0]); {
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
