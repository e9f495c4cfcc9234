package sessionlogreceiver

import (
	"context"
	"math/rand/v2"
	"time"
)

// retry says how long to pause between tries. There is no last try: the source keeps the events, so waiting loses nothing.
type retry struct{ first, most time.Duration }

var defaultRetry = retry{first: time.Second, most: 30 * time.Second}

// insist calls try until it succeeds or ctx ends, which gives ctx's cause. tell hears of every failure and the pause after it, and,
// with nil, of the success.
func (r retry) insist(ctx context.Context, try func() error, tell func(err error, pause time.Duration)) error {
	for pause := r.first; ; pause = min(2*pause, r.most) {
		err := try()
		if err == nil {
			tell(nil, 0)
			return nil
		}
		// Receivers that a failing backend holds up together should not come back together.
		jittered := pause/2 + rand.N(pause)
		if ctx.Err() == nil {
			tell(err, jittered)
		}
		if err := sleep(ctx, jittered); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
