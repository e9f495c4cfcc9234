package sessionlogreceiver

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// retryPolicy has no limit of attempts: the source keeps the events, so waiting loses nothing.
type retryPolicy struct{ firstPause, longestPause time.Duration }

var defaultRetryPolicy = retryPolicy{firstPause: time.Second, longestPause: 30 * time.Second}

func (r retryPolicy) retryUntilDone(ctx context.Context, attempt func() error, report func(err error, pause time.Duration)) error {
	pauses := backoff.ExponentialBackOff{InitialInterval: r.firstPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: r.longestPause}
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		pause := pauses.NextBackOff()
		if ctx.Err() == nil {
			report(err, pause)
		}
		if !source.Wait(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}
