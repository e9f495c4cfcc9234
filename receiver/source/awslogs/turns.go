package awslogs

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// ReadTarget is what is read at its own pace: a log group, or the objects under a prefix. One that fails is asked later and later, and holds up no other.
type ReadTarget struct {
	// Title names it to people.
	Title string
	// Poll reads what is new. It reports whether there is more to read at once.
	Poll func(context.Context) (more bool, err error)

	due    time.Time // by this machine's monotonic clock, which is never put back
	pauses *backoff.ExponentialBackOff
}

// PollUntilDone gives each place its turns until ctx ends.
func (r *Reader) PollUntilDone(ctx context.Context, interval time.Duration, places []*ReadTarget) {
	for ctx.Err() == nil {
		var first time.Time // due of all
		for _, p := range places {
			if !time.Now().Before(p.due) {
				if r.pollPlace(ctx, interval, p); ctx.Err() != nil {
					return
				}
			}
			if first.IsZero() || p.due.Before(first) {
				first = p.due
			}
		}
		source.Wait(ctx, time.Until(first))
	}
}

func (r *Reader) pollPlace(ctx context.Context, interval time.Duration, p *ReadTarget) {
	r.Now = r.Host.Now()
	more, err := p.Poll(ctx)
	switch {
	case ctx.Err() != nil || errors.Is(err, ErrStopped):
		p.due = time.Now().Add(interval)
	case err != nil:
		if p.pauses == nil {
			p.pauses = source.NewBackOff()
		}
		p.due = time.Now().Add(max(interval, p.pauses.NextBackOff()))
		r.ReportProblem(p.Title, "no login of "+p.Title+" is read", err)
	default:
		if p.pauses, p.due = nil, time.Now(); !more {
			p.due = p.due.Add(interval)
		}
		r.ClearProblem(p.Title)
	}
}
