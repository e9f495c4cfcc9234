package logins

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/otel-sessionlog/sessionlog/testengine/parallel"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// Mix makes n mixed logins, parallel at a time: Plan(n, seed) run by Run.
func (c *Client) Mix(ctx context.Context, n int, seed uint64, parallel int) ([]Login, error) {
	return c.Run(ctx, Plan(n, seed), parallel)
}

// Run makes all attempts, n at a time, as [parallel.Run] says.
func (c *Client) Run(ctx context.Context, attempts []Attempt, n int) ([]Login, error) {
	return parallel.Run(ctx, attempts, n, c.Login)
}

// strangers are names that no account has: the common guesses, and text that must survive every step to the last table.
var strangers = []string{
	"root", "sa", "admin'--", `o"brien`, "Zoë", "データ", "tab\tin name", "back\\slash", "<b>bold</b>", "mallory\u202etxt.exe", "percent%20", "'; DROP TABLE x",
}

// Plan is a mixture of logins that depends on seed alone: native and HTTP, right and wrong passwords, unknown users, the one who comes
// from the wrong address, users with roles, and named HTTP sessions. About a third of them fail.
func Plan(n int, seed uint64) []Attempt {
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable, not secret
	attempts := make([]Attempt, n)
	for i := range attempts {
		a := &attempts[i]
		user := server.Users[random.IntN(len(server.Users))]
		for user.Name == server.Admin.Name || user.Name == server.Audit.Name { // left to the test engine and the collector
			user = server.Users[random.IntN(len(server.Users))]
		}
		a.User, a.Password = user.Name, user.Password
		switch random.IntN(12) {
		case 0, 1:
			a.User, a.Password = server.Alice.Name, "wrong"
		case 2:
			a.User, a.Password = strangers[random.IntN(len(strangers))], "guess"
		case 3:
			a.User, a.Password = server.Frank.Name, server.Frank.Password
		}
		if random.IntN(2) == 0 {
			a.ClientName = fmt.Sprintf("nightly-report/%d", random.IntN(4))
			continue
		}
		a.Protocol = HTTP
		switch random.IntN(4) {
		case 0:
			a.Headers = true
		case 1:
			a.SessionID = fmt.Sprintf("report-%d-%d", seed, i/32) // several requests meet in each
		}
	}
	return attempts
}
