package loginmetrics

import (
	"hash/maphash"

	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	recentSets = 1 << 13
	recentWays = 8
)

// recent remembers the ids of the last 65,536 records or so, in half a MiB that never grows.
type recent struct {
	seed maphash.Seed
	sets []recentSet
}

type recentSet struct {
	ids  [recentWays]uint64
	next uint8 // whose place is given up next
}

func newRecent() recent { return recent{maphash.MakeSeed(), make([]recentSet, recentSets)} }

// again tells whether an id was asked for before, and remembers it.
func (r *recent) again(id session.ID) bool {
	h := maphash.Bytes(r.seed, id[:]) | 1
	set := &r.sets[h>>8%recentSets]
	for _, known := range set.ids {
		if known == h {
			return true
		}
	}
	set.ids[set.next] = h
	set.next = (set.next + 1) % recentWays
	return false
}
