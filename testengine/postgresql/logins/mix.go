package logins

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/otel-sessionlog/sessionlog/testengine/parallel"
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

// Run makes all attempts, n at a time, as [parallel.Run] says.
func (c *Client) Run(ctx context.Context, attempts []Attempt, n int) ([]Login, error) {
	return parallel.Run(ctx, attempts, n, c.Login)
}
