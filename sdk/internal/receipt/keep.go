package receipt

import (
	"context"
	"errors"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/retry"
)

// Hopeless marks an error after which another try is no use.
type Hopeless struct{ Err error }

func (h Hopeless) Error() string { return h.Err.Error() }
func (h Hopeless) Unwrap() error { return h.Err }

// Broken marks an error that will pass only if somebody mends something: whoever wants the record durable is told at once, and
// does not wait for that.
type Broken struct{ Err error }

func (b Broken) Error() string { return b.Err.Error() }
func (b Broken) Unwrap() error { return b.Err }

// Keep tries until the record is kept, and answers the receipt in ctx. Without a receipt nobody could be told that the record
// was given up, so nothing but a [Hopeless] error gives it up; the error is returned for the SDK to report. With one, the end
// of ctx does too.
func Keep(ctx context.Context, try func(context.Context) error) error {
	r := From(ctx)
	if r == nil {
		return persist(context.WithoutCancel(ctx), try, false)
	}
	r.Give(persist(ctx, try, r.durable))
	return nil
}

func persist(ctx context.Context, try func(context.Context) error, impatient bool) error {
	var backoff retry.Backoff
	var hopeless Hopeless
	var broken Broken
	for {
		err := try(ctx)
		switch {
		case err == nil, errors.As(err, &hopeless), impatient && errors.As(err, &broken):
			return err
		case ctx.Err() != nil:
			return err
		}
		if ended := backoff.Wait(ctx); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
}
