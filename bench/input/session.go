package input

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	userCount = 5_000  // names, drawn by Zipf's law: few log in often
	hostCount = 20_000 // addresses, likewise
)

// firstEvent is when the first row of every file happened.
var firstEvent = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

// session is what the rows of one session have in common.
type session struct {
	user, address    string
	id               string // a UUID
	port, pid, limit int
	start            time.Time
}

// drawer draws sessions.
type drawer struct {
	*rand.Rand
	users, hosts *rand.Zipf
	pid          int
}

func newDrawer(seed uint64) *drawer {
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // repeatable, not secret
	return &drawer{random, rand.NewZipf(random, 1.2, 20, userCount-1), rand.NewZipf(random, 1.1, 50, hostCount-1), 1000}
}

func (d *drawer) session(at time.Time) session {
	d.pid++
	host := d.hosts.Uint64()
	return session{
		user:    userName(d.users.Uint64()),
		address: fmt.Sprintf("10.%d.%d.%d", host>>12, host>>6&63, host&63+1),
		id:      fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", d.Uint32(), d.IntN(1<<16), d.IntN(1<<12), d.IntN(1<<12), d.Uint64N(1<<48)),
		port:    1024 + d.IntN(60_000),
		pid:     d.pid,
		limit:   1 + d.IntN(64),
		start:   at,
	}
}

var (
	givenNames = []string{"ada", "ben", "carla", "deepak", "elena", "farid", "grace", "hana", "ivan", "julia"}
	familyName = "name"
)

func userName(n uint64) string {
	return givenNames[n%uint64(len(givenNames))] + "_" + familyName + strconv.FormatUint(n, 10)
}
