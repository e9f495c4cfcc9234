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

// run writes the batch: what the table does not have is inserted, what it has is compared.
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
	known, err := w.known(ctx, w.unique)
	if err != nil {
		return err
	}
	repeated := w.choose(known)
	switch {
	case w.result.Written == 0:
	case whole && w.result.Written == len(w.keys):
		err = w.insert(ctx, w.sql.insert, w.block.all, w.done)
	default:
		err = w.stream(ctx)
	}
	if err != nil || len(repeated) == 0 {
		return err
	}
	return w.repeats(ctx, repeated)
}

// scan walks the batch for the first time. It makes the rows as well, as if none were there already, which is nearly always
// so; whole tells whether they all fit into the block.
func (w *write) scan(ctx context.Context) (whole bool, err error) {
	if w.block == nil {
		w.block = newBlock()
	}
	w.block.reset()
	w.keys, whole = w.keys[:0], true
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
		w.keys = append(w.keys, key{idOf(e.RecordID[:]), len(w.keys)})
		if whole = whole && !w.block.full(); whole {
			w.block.add(e)
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

// choose marks the events to insert, the first of each id that is not known, and returns the ids of all others.
func (w *write) choose(known []id) (repeated []id) {
	w.take = append(w.take[:0], make([]bool, len(w.keys))...)
	for i, k := range w.keys {
		for len(known) > 0 && known[0].compare(k.id) < 0 {
			known = known[1:]
		}
		first := i == 0 || w.keys[i-1].id != k.id
		if first && (len(known) == 0 || known[0] != k.id) {
			w.take[k.ordinal] = true
			w.result.Written++
			continue
		}
		if len(repeated) == 0 || repeated[len(repeated)-1] != k.id {
			repeated = append(repeated, k.id)
		}
	}
	return repeated
}

// done says that the block that was sent was the last.
func (w *write) done() error {
	w.block.reset()
	return io.EOF
}

// stream inserts what choose has marked, block after block: memory does not grow with the batch.
func (w *write) stream(ctx context.Context) error {
	next, stop := iter.Pull2(w.accepted)
	defer stop()
	w.block.reset()
	return w.insert(ctx, w.sql.insert, w.block.all, func() error {
		w.block.reset()
		for !w.block.full() {
			ordinal, e, ok := next()
			if !ok {
				return io.EOF
			}
			if ordinal >= len(w.take) {
				return errChanged
			}
			if w.take[ordinal] {
				w.block.add(e)
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
