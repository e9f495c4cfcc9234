package sessionlogreceiver

import (
	"context"
	"math/rand/v2"
	"time"
)

// retryPolicy has no limit of attempts: the source keeps the events, so waiting loses nothing.
type retryPolicy struct{ firstPause, longestPause time.Duration }

var defaultRetryPolicy = retryPolicy{firstPause: time.Second, longestPause: 30 * time.Second}

// retryUntilDone calls attempt until it succeeds, or ctx ends, whose cause it returns. report is called after each failure, with the
// pause that follows, and with nil after the success.
func (r retryPolicy) retryUntilDone(ctx context.Context, attempt func() error, report func(err error, pause time.Duration)) error {
	for pause := r.firstPause; ; pause = min(2*pause, r.longestPause) {
		err := attempt()
		if err == nil {
			report(nil, 0)
			return nil
		}
		// Receivers that a failing backend holds up together should not come back together.
		jittered := pause/2 + rand.N(pause)
		if ctx.Err() == nil {
			report(err, jittered)
		}
		if err := sleepOrCancel(ctx, jittered); err != nil {
			return err
		}
	}
}

func sleepOrCancel(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
