// Package receipt carries the answer that Emit of the OpenTelemetry logs API cannot give: a processor that has made a record
// durable, or could not, says so through the context that the record came with.
package receipt

import (
	"context"
	"sync"
)

// Receipt waits for the answers to one record. Its methods are safe for concurrent use.
type Receipt struct {
	durable bool

	mu     sync.Mutex
	given  bool
	closed bool
	err    error
}

type key struct{}

// With attaches a new receipt. durable says that the caller would rather have an error at once than wait for a disk that is
// full or broken.
func With(ctx context.Context, durable bool) (context.Context, *Receipt) {
	r := &Receipt{durable: durable}
	return context.WithValue(ctx, key{}, r), r
}

// From finds the receipt, or nil where nobody waits for an answer.
func From(ctx context.Context) *Receipt {
	r, _ := ctx.Value(key{}).(*Receipt)
	return r
}

// Durable tells what [With] was told.
func (r *Receipt) Durable() bool { return r.durable }

// Give answers for one processor: nil means that the record survives a loss of power. Of several answers an error counts:
// every processor that answers must have kept the record. An answer after [Receipt.Take] comes too late and changes nothing.
func (r *Receipt) Give(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.given = true
	if r.err == nil {
		r.err = err
	}
}

// Take ends the wait. given is false when no processor has answered.
func (r *Receipt) Take() (given bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.given, r.err
}
