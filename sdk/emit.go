package sessionlog

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/log"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
)

// ErrNotDurable says that nobody vouches for the event: the application should refuse the login. The reason is wrapped beside
// it: a context's end, an error of the disk, [ErrNoProcessor].
var ErrNotDurable = errors.New("sessionlog: the event is not known to be durable")

// ErrNoProcessor says that no processor answered for a durable event.
var ErrNoProcessor = errors.New("no processor of sdk/spool or sdk/blocking has answered: give one to the LoggerProvider, and shut the provider down last")

// emit hands the record to the provider, and takes the answer that processors of ours give through the context.
func (c *call) emit(ctx context.Context, out log.Logger) error {
	if c.durable > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.durable)
		defer cancel()
		if err := context.Cause(ctx); err != nil {
			return notDurable(err)
		}
	}
	ctx, answer := receipt.With(ctx, c.durable > 0)
	out.Emit(ctx, record(c))
	given, err := answer.Take()
	switch {
	case c.durable > 0 && !given:
		return notDurable(ErrNoProcessor)
	case c.durable > 0 && err != nil:
		return notDurable(err)
	case err != nil:
		return fmt.Errorf("sessionlog: %w", err)
	}
	return nil
}

func notDurable(reason error) error { return fmt.Errorf("%w: %w", ErrNotDurable, reason) }
