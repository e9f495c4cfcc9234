package poll

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	backoffLeast = 250 * time.Millisecond
	backoffMost  = 30 * time.Second
)

// Backoff is the pause after so many failures in a row: it doubles from a quarter of a second to half a minute, less a random part,
// so that many collectors do not come back at once.
func Backoff(failures int) time.Duration {
	d := backoffMost
	if failures < 7 {
		d = min(backoffLeast<<failures, backoffMost)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // jitter
}

// Wait returns after d, or when ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
