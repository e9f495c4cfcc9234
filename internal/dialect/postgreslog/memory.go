package postgreslog

import "time"

// memory knows connections that were decided and of which lines may still come. It is bounded by time and number.
type memory struct {
	known map[BackendID]remembered
	order []BackendID // oldest first; some may be forgotten already
}

type remembered struct {
	ID    BackendID `json:"id"`
	Login int64     `json:"login,omitempty"` // time of the login that was told without proof
	Until int64     `json:"until"`
}

const (
	doubtedFor   = int64(5 * time.Minute)
	elsewhereFor = int64(24 * time.Hour)
	maxMemory    = 4096
)

func (m *memory) add(r remembered) {
	if m.known == nil {
		m.known = map[BackendID]remembered{}
	}
	m.known[r.ID] = r
	m.order = append(m.order, r.ID)
	for len(m.order) > maxMemory {
		m.forgetOldest()
	}
}

func (m *memory) forgetOldest() {
	m.forget(m.order[0])
	m.order = append(m.order[:0], m.order[1:]...)
}

func (m *memory) forget(id BackendID) { delete(m.known, id) }

// expire forgets the oldest as far as their time is over.
func (m *memory) expire(now int64) {
	for len(m.order) > 0 {
		r, ok := m.known[m.order[0]]
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

// told tells whether a login was told without proof.
func (m *memory) told(id BackendID) bool { return m.known[id].Login != 0 }

func (m *memory) login(id BackendID) int64 { return m.known[id].Login }

// prove takes the doubt from a verdict. It stays known, for its lines may be read again.
func (m *memory) prove(id BackendID) {
	if r, ok := m.known[id]; ok {
		r.Login = 0
		m.known[id] = r
	}
}

// all lists what is known, the oldest first.
func (m *memory) all() (list []remembered) {
	for _, id := range m.order {
		if r, ok := m.known[id]; ok {
			list = append(list, r)
		}
	}
	return list
}
