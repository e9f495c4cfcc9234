// Package retry waits between tries.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff doubles the wait from try to try. The zero value is ready.
type Backoff struct{ next time.Duration }

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 5 * time.Second
)

// Wait waits before the next try: 20 ms at first, 5 s in the end, up to a quarter less, so that many who failed at once do not
// come back at once. It returns early, with an error, when the context ends.
func (b *Backoff) Wait(ctx context.Context) error {
	b.next = min(max(2*b.next, firstPause), longestPause)
	timer := time.NewTimer(b.next - rand.N(b.next/4))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
