package postgreslog

import (
	"math"
	"time"
)

// decidedConns keeps connections that were decided and may have further lines. It is bounded by time and number.
type decidedConns struct {
	capacity int
	byID     map[BackendID]decidedConn
	order    []BackendID // oldest first; some may be forgotten already
	removed  int         // how many at the beginning of order are
}

type decidedConn struct {
	ID          BackendID `json:"id"`
	VerdictTime int64     `json:"at"`              // time of the line that the verdict bears
	Stage       connStage `json:"stage,omitempty"` // how far the connection had come by then
	Login       int64     `json:"login,omitempty"` // the same, of a login that was delivered without proof
	Until       int64     `json:"until"`
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

func (m *decidedConns) addConn(r decidedConn) {
	if m.byID == nil {
		m.byID = map[BackendID]decidedConn{}
	}
	again := m.contains(r.ID)
	m.byID[r.ID] = r
	if again {
		return
	}
	m.order = append(m.order, r.ID)
	for len(m.order)-m.removed > m.capacity {
		m.removeOldest()
	}
}

func (m *decidedConns) removeOldest() {
	m.removeConn(m.order[m.removed])
	if m.removed++; m.removed > m.capacity/2 {
		m.order = append(m.order[:0], m.order[m.removed:]...)
		m.removed = 0
	}
}

func (m *decidedConns) removeConn(id BackendID) { delete(m.byID, id) }

func (m *decidedConns) removeExpired(now int64) {
	for m.removed < len(m.order) {
		r, ok := m.byID[m.order[m.removed]]
		if ok && now < r.Until {
			return
		}
		m.removeOldest()
	}
}

func (m *decidedConns) contains(id BackendID) bool {
	_, ok := m.byID[id]
	return ok
}

// coversLine is true for a line that the verdict already includes: not later, as one of another connection with the same pid, and of
// no later stage.
func (m *decidedConns) coversLine(l *Line, to connStage) bool {
	r, ok := m.byID[l.ID]
	return ok && l.Time <= r.VerdictTime && to <= r.Stage
}

// wasLetIn is true for a successful verdict: no refusal can follow but its correction.
func (m *decidedConns) wasLetIn(id BackendID) bool { return m.byID[id].Stage >= stageAuthorized }

// loginTime is 0 where no unproven login was delivered.
func (m *decidedConns) loginTime(id BackendID) int64 { return m.byID[id].Login }

// markProven keeps the verdict, since its lines may be read again.
func (m *decidedConns) markProven(l *Line) {
	if r, ok := m.byID[l.ID]; ok {
		r.Login, r.VerdictTime, r.Stage = 0, max(r.VerdictTime, l.Time), stageReady
		m.byID[l.ID] = r
	}
}

func (m *decidedConns) listOldestFirst() (list []decidedConn) {
	for _, id := range m.order[m.removed:] {
		if r, ok := m.byID[id]; ok {
			list = append(list, r)
		}
	}
	return list
}
