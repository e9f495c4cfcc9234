package source

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Wait reports whether the time passed before ctx ended.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// NewBackOff gives the pauses between tries of what fails: from a tenth of a second to ten, with a random part, so that several
// receivers do not come back at once.
func NewBackOff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: 100 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 10 * time.Second,
	}
}
