package logins

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Mix makes n mixed logins, parallel at a time: Plan(n, seed) run by Run.
func (c *Client) Mix(ctx context.Context, n int, seed uint64, parallel int) ([]Login, error) {
	return c.Run(ctx, c.Plan(n, seed), parallel)
}

// Plan is a mixture out of the catalogue that depends on seed alone. Replication connections are left out: a server has ten places.
func (c *Client) Plan(n int, seed uint64) []Attempt {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable, not secret
	attempts := make([]Attempt, 0, n)
	for len(attempts) < n {
		kind := Catalogue[random.IntN(len(Catalogue))]
		if kind.Replication != "" || kind.TLS && c.tls == nil {
			continue
		}
		if random.IntN(3) == 0 && kind.ApplicationName == "" {
			kind.ApplicationName = fmt.Sprintf("batch-%d", random.IntN(4))
		}
		attempts = append(attempts, kind.Attempt)
	}
	return attempts
}

// Run makes all attempts, parallel at a time, and returns their logins in the order of the attempts. It stops at the first error and then
// returns what had come to its end until then.
func (c *Client) Run(ctx context.Context, attempts []Attempt, parallel int) ([]Login, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	logins := make([]Login, len(attempts))
	ended := make([]bool, len(attempts))
	errs := make([]error, max(parallel, 1))
	var next atomic.Int64
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(attempts) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if logins[i], errs[w] = c.Login(ctx, attempts[i]); errs[w] != nil {
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
	return done, errors.Join(append(errs, context.Cause(ctx))...)
}
