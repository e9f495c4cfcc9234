package receipt

import (
	"context"
	"errors"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/sdk/internal/retry"
)

// PermanentError marks an error that no retry mends.
type PermanentError struct{ Err error }

func (h PermanentError) Error() string { return h.Err.Error() }
func (h PermanentError) Unwrap() error { return h.Err }

// StorageError marks an error that lasts until somebody repairs something: callers that want the record durable get it at once.
type StorageError struct{ Err error }

func (b StorageError) Error() string { return b.Err.Error() }
func (b StorageError) Unwrap() error { return b.Err }

// KeepRecord tries until the record is kept, and reports to the receipt in ctx. Without a receipt no caller would learn that the record was
// given up, so nothing but a [PermanentError] ends the tries; it is returned for the SDK to report. With one, the end of ctx does too.
func KeepRecord(ctx context.Context, try func(context.Context) error) error {
	r := FromContext(ctx)
	if r == nil {
		return retryUntilKept(context.WithoutCancel(ctx), try, false)
	}
	r.Report(retryUntilKept(ctx, try, r.durable))
	return nil
}

func retryUntilKept(ctx context.Context, try func(context.Context) error, impatient bool) error {
	var backoff retry.Backoff
	var permanent PermanentError
	var storage StorageError
	for {
		err := try(ctx)
		switch {
		case err == nil, errors.As(err, &permanent), impatient && errors.As(err, &storage):
			return err
		case ctx.Err() != nil:
			return err
		}
		if ended := backoff.Wait(ctx); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
}
