package loginmetrics

import "github.com/otel-sessionlog/sessionlog/session"

const recentIDCount = 65_536

// recentIDs remembers the ids of the last records.
type recentIDs struct {
	known map[session.ID]struct{}
	ring  []session.ID
	next  int // in ring, whose id is given up next
}

func newRecentIDs() recentIDs {
	return recentIDs{known: make(map[session.ID]struct{}, recentIDCount), ring: make([]session.ID, recentIDCount)}
}

func (r *recentIDs) checkAndRemember(id session.ID) bool {
	if _, ok := r.known[id]; ok {
		return true
	}
	delete(r.known, r.ring[r.next])
	r.known[id], r.ring[r.next] = struct{}{}, id
	r.next = (r.next + 1) % recentIDCount
	return false
}
