// Package parallel makes many logins at a time, for the packages that make them.
package parallel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Run makes all attempts, n at a time, and returns their logins in the order of the attempts. It stops at the first error and then
// returns what had come to its end until then.
func Run[A, L any](ctx context.Context, attempts []A, n int, login func(context.Context, A) (L, error)) ([]L, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	logins := make([]L, len(attempts))
	ended := make([]bool, len(attempts))
	errs := make([]error, max(n, 1))
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(attempts) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if logins[i], errs[w] = login(ctx, attempts[i]); errs[w] != nil {
					errs[w] = fmt.Errorf("login %d of %d: %w", i+1, len(attempts), errs[w])
					stop()
					return
				}
				ended[i] = true
			}
		})
	}
	workers.Wait()
	done := logins[:0]
	for i, ok := range ended {
		if ok {
			done = append(done, logins[i])
		}
	}
	if err := errors.Join(errs...); err != nil {
		return done, err
	}
	return done, ctx.Err()
}
