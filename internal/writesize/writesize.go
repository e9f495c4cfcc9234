// Package writesize lets an exporter tell the sources of its process how many records it likes to write at once. A pipeline has no word for that,
// but hands on the context of each call: of a processor or a queue that does not, nothing is known, and sources do without.
package writesize

import (
	"context"
	"sync/atomic"
)

// WantedRecords is what the exporters have said of the calls that bear it, the most of any. The zero value says nothing yet.
type WantedRecords struct{ records atomic.Int64 }

// Records of a write that is as cheap as it gets; 0 when nobody has said.
func (w *WantedRecords) Records() int { return int(w.records.Load()) }

type contextKey struct{}

// NewContext makes the context of calls whose exporters are to report to w.
func NewContext(ctx context.Context, w *WantedRecords) context.Context {
	return context.WithValue(ctx, contextKey{}, w)
}

// ReportWanted says to whoever called how many records make a good write.
func ReportWanted(ctx context.Context, records int) {
	w, ok := ctx.Value(contextKey{}).(*WantedRecords)
	if !ok {
		return
	}
	for before := w.records.Load(); before < int64(records); before = w.records.Load() {
		if w.records.CompareAndSwap(before, int64(records)) {
			return
		}
	}
}
