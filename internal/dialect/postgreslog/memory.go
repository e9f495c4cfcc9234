package postgreslog

import (
	"math"
	"time"
)

// memory knows connections that were decided and of which lines may still come. It is bounded by time and number.
type memory struct {
	most  int
	known map[BackendID]remembered
	order []BackendID // oldest first; some may be forgotten already
	gone  int         // how many at the beginning of order are
}

type remembered struct {
	ID    BackendID `json:"id"`
	At    int64     `json:"at"`              // time of the line that the verdict bears
	Stage stage     `json:"stage,omitempty"` // how far the connection had come by then
	Login int64     `json:"login,omitempty"` // the same, of a login that was told without proof
	Until int64     `json:"until"`
}

const (
	doubtedFor = 5 * time.Minute
	decidedFor = 24 * time.Hour
	// Of a doubted login a later refusal is told as a correction, of a forgotten one as a failure of its own; of a decided one
	// nothing is told, of a forgotten one perhaps the same again: so many more of these are remembered. They are few but where
	// a log is rotated under a flood.
	maxDoubted = 1 << 12
	maxDecided = 1 << 15
)

// until is so much after a time, also at the end of all time.
func until(t int64, d time.Duration) int64 { return t + min(int64(d), math.MaxInt64-max(t, 0)) }

func (m *memory) add(r remembered) {
	if m.known == nil {
		m.known = map[BackendID]remembered{}
	}
	again := m.has(r.ID)
	m.known[r.ID] = r
	if again {
		return
	}
	m.order = append(m.order, r.ID)
	for len(m.order)-m.gone > m.most {
		m.forgetOldest()
	}
}

func (m *memory) forgetOldest() {
	m.forget(m.order[m.gone])
	if m.gone++; m.gone > m.most/2 {
		m.order = append(m.order[:0], m.order[m.gone:]...)
		m.gone = 0
	}
}

func (m *memory) forget(id BackendID) { delete(m.known, id) }

// expire forgets the oldest as far as their time is over.
func (m *memory) expire(now int64) {
	for m.gone < len(m.order) {
		r, ok := m.known[m.order[m.gone]]
		if ok && now < r.Until {
			return
		}
		m.forgetOldest()
	}
}

func (m *memory) has(id BackendID) bool {
	_, ok := m.known[id]
	return ok
}

// knew tells whether a line, which takes a connection to this stage, is one that a verdict counted: no younger one, as of another
// connection with the same pid, and none that goes further than it.
func (m *memory) knew(l *Line, to stage) bool {
	r, ok := m.known[l.ID]
	return ok && l.Time <= r.At && to <= r.Stage
}

// open tells whether a connection was let in by its verdict: nothing that follows can be a refusal but its correction.
func (m *memory) open(id BackendID) bool { return m.known[id].Stage >= stageAuthorized }

// told tells whether a login was told without proof.
func (m *memory) told(id BackendID) bool { return m.known[id].Login != 0 }

func (m *memory) login(id BackendID) int64 { return m.known[id].Login }

// prove takes the doubt from a verdict, by this line. It stays known, for its lines may be read again.
func (m *memory) prove(l *Line) {
	if r, ok := m.known[l.ID]; ok {
		r.Login, r.At, r.Stage = 0, max(r.At, l.Time), stageReady
		m.known[l.ID] = r
	}
}

// all lists what is known, the oldest first.
func (m *memory) all() (list []remembered) {
	for _, id := range m.order[m.gone:] {
		if r, ok := m.known[id]; ok {
			list = append(list, r)
		}
	}
	return list
}
