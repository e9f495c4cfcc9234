package sessionlog

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/log"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/receipt"
)

// ErrNotDurable means that the event may be lost, and the application should refuse the login. The reason is wrapped beside
// it: a context's end, an error of the disk, [ErrNoProcessor].
var ErrNotDurable = errors.New("sessionlog: the event is not known to be durable")

// ErrNoProcessor means that no processor of this project handled a durable event.
var ErrNoProcessor = errors.New("no processor of sdk/spool or sdk/blocking has answered: give one to the LoggerProvider, and shut the provider down last")

func (c *eventCall) emitRecord(ctx context.Context, out log.Logger) error {
	if c.durable > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.durable)
		defer cancel()
		if err := context.Cause(ctx); err != nil {
			return notDurableError(err)
		}
	}
	ctx, answer := receipt.WithReceipt(ctx, c.durable > 0)
	out.Emit(ctx, newLogRecord(c))
	answered, err := answer.Result()
	switch {
	case c.durable > 0 && !answered:
		return notDurableError(ErrNoProcessor)
	case c.durable > 0 && err != nil:
		return notDurableError(err)
	case err != nil:
		return fmt.Errorf("sessionlog: %w", err)
	}
	return nil
}

func notDurableError(reason error) error { return fmt.Errorf("%w: %w", ErrNotDurable, reason) }
