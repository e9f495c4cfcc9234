package postgreslog

import (
	"math"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// decidedConns keeps connections that were decided and may have further lines. It is bounded by time and number.
type decidedConns struct {
	byID *simplelru.LRU[BackendID, *decidedConn]
}

type decidedConn struct {
	ID          BackendID
	VerdictTime int64     // time of the line that the verdict bears
	Stage       connStage // how far the connection had come by then
	Login       int64     // the same, of a login that was delivered without proof
	Until       int64
}

const (
	unprovenRetention = 5 * time.Minute
	decidedRetention  = 24 * time.Hour
	// A later refusal of an unproven login is a correction, of a forgotten one a failure of its own; of a decided one
	// nothing is delivered, of a forgotten one perhaps the same again: so many more of these are kept. They are few except where
	// a log is rotated under a flood.
	maxUnproven = 1 << 12
	maxDecided  = 1 << 15
)

// addDuration does not overflow.
func addDuration(t int64, d time.Duration) int64 { return t + min(int64(d), math.MaxInt64-max(t, 0)) }

func newDecidedConns(capacity int) decidedConns {
	byID, _ := simplelru.NewLRU[BackendID, *decidedConn](capacity, nil) // fails for no size only
	return decidedConns{byID}
}

func (m *decidedConns) addConnection(r decidedConn) { m.byID.Add(r.ID, &r) }

func (m *decidedConns) removeExpired(now int64) {
	for _, r, some := m.byID.GetOldest(); some && now >= r.Until; _, r, some = m.byID.GetOldest() {
		m.byID.RemoveOldest()
	}
}

// coversLine is true for a line that the verdict already includes: not later, as one of another connection with the same pid, and of
// no later stage.
func (m *decidedConns) coversLine(l *Line, to connStage) bool {
	r, known := m.byID.Peek(l.ID)
	return known && l.Time <= r.VerdictTime && to <= r.Stage
}

// wasAdmitted is true for a successful verdict: no refusal can follow but its correction.
func (m *decidedConns) wasAdmitted(id BackendID) bool {
	r, known := m.byID.Peek(id)
	return known && r.Stage >= stageAuthorized
}

// unprovenLoginTime is 0 where no unproven login was delivered.
func (m *decidedConns) unprovenLoginTime(id BackendID) int64 {
	if r, known := m.byID.Peek(id); known {
		return r.Login
	}
	return 0
}

// markProven keeps the verdict, since its lines may be read again.
func (m *decidedConns) markProven(l *Line) {
	if r, known := m.byID.Peek(l.ID); known {
		r.Login, r.VerdictTime, r.Stage = 0, max(r.VerdictTime, l.Time), stageReady
	}
}
