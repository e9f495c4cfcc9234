package sessionlog

import (
	"context"
	"slices"
)

type contextKey struct{}

// ContextWith gives a context under which every event says this: middleware calls it with what it knows about the client.
func ContextWith(ctx context.Context, opts ...Option) context.Context {
	return context.WithValue(ctx, contextKey{}, slices.Concat(fromContext(ctx), opts))
}

func fromContext(ctx context.Context) []Option {
	opts, _ := ctx.Value(contextKey{}).([]Option)
	return opts
}
