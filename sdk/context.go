package sessionlog

import (
	"context"
	"slices"
)

type contextKey struct{}

// ContextWith returns a context whose options apply to every event emitted with it: middleware sets the client's.
func ContextWith(ctx context.Context, opts ...Option) context.Context {
	return context.WithValue(ctx, contextKey{}, slices.Concat(contextOptions(ctx), opts))
}

func contextOptions(ctx context.Context) []Option {
	opts, _ := ctx.Value(contextKey{}).([]Option)
	return opts
}
