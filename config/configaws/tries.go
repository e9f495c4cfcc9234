package configaws

import (
	"context"

	"github.com/aws/smithy-go/middleware"
)

// WatchTries is for the API options of a client. tried gets the error of every try, nil too: it comes after the SDK's retries.
func WatchTries(tried func(error)) func(*middleware.Stack) error {
	watch := middleware.FinalizeMiddlewareFunc("WatchTries", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleFinalize(ctx, in)
		if ctx.Err() == nil {
			tried(err)
		}
		return out, metadata, err
	})
	return func(stack *middleware.Stack) error { return stack.Finalize.Insert(watch, "Retry", middleware.After) }
}
