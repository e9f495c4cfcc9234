// Package receipt carries the answer that Emit of the OpenTelemetry logs API cannot give: a processor that has made a record
// durable, or could not, says so through the context that the record came with.
package receipt

import (
	"context"
	"sync"
)

// Receipt collects the results of all processors for one record. Its methods are safe for concurrent use.
type Receipt struct {
	durable bool

	mu       sync.Mutex
	answered bool
	closed   bool
	err      error
}

type contextKey struct{}

// WithReceipt attaches a new receipt. durable says that the caller would rather have an error at once than wait for a disk that is
// full or broken.
func WithReceipt(ctx context.Context, durable bool) (context.Context, *Receipt) {
	r := &Receipt{durable: durable}
	return context.WithValue(ctx, contextKey{}, r), r
}

// FromContext is nil where no caller waits for a result.
func FromContext(ctx context.Context) *Receipt {
	r, _ := ctx.Value(contextKey{}).(*Receipt)
	return r
}

// Durable reports whether the caller asked for a durable event.
func (r *Receipt) Durable() bool { return r.durable }

// Report is called by each processor: nil means that the record survives a loss of power. Of several results an error counts. A result
// after [Receipt.Result] changes nothing.
func (r *Receipt) Report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.answered = true
	if r.err == nil {
		r.err = err
	}
}

// Result ends the wait. answered is false when no processor has reported.
func (r *Receipt) Result() (answered bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.answered, r.err
}
