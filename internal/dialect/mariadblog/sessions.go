package mariadblog

import (
	"encoding/json"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// sessions knows which connections are logged in. A DISCONNECT follows a failed login too, and a connection's id begins anew
// with the server: only the time of its login, which a DISCONNECT does not repeat, makes it unique.
type sessions struct {
	open  map[connection]int64 // time of the login, nanoseconds
	order []connection         // the oldest first; some may be closed

	tlsField bool // the server writes the version of TLS behind each record of a connection
}

// connection is unique while the server runs.
type connection struct {
	Host string
	ID   int64
}

// maxSessions bounds what is known: the oldest are forgotten first, and then end without a logout.
const maxSessions = 100_000

func (s *sessions) login(c connection, at int64) {
	if s.open == nil {
		s.open = map[connection]int64{}
	}
	if _, ok := s.open[c]; !ok {
		s.order = append(s.order, c)
	}
	s.open[c] = at
	if len(s.order) > 2*maxSessions || len(s.open) > maxSessions {
		s.tidy()
	}
}

// logout gives the time of the login, if there was one.
func (s *sessions) logout(c connection) (login int64, ok bool) {
	login, ok = s.open[c]
	delete(s.open, c)
	return login, ok
}

// tidy drops what is closed from the order, and the oldest tenth when too many are open.
func (s *sessions) tidy() {
	excess := 0
	if len(s.open) > maxSessions {
		excess = maxSessions / 10
	}
	seen, kept := make(map[connection]bool, len(s.open)), s.order[:0]
	for _, c := range s.order {
		if _, ok := s.open[c]; !ok || seen[c] {
			continue
		}
		seen[c] = true
		if excess > 0 {
			excess--
			delete(s.open, c)
			continue
		}
		kept = append(kept, c)
	}
	s.order = kept
}

// saved is one session in a cursor's state.
type saved struct {
	Host  string `json:"h"`
	ID    int64  `json:"i"`
	Login int64  `json:"t"`
}

func (s *sessions) list() (list []saved) {
	if len(s.open) == 0 {
		return nil
	}
	s.tidy()
	for _, c := range s.order {
		list = append(list, saved{logformat.Portable(c.Host), c.ID, s.open[c]})
	}
	return list
}

// restore adds what a cursor knew; of two logins with one id the later one counts.
func (s *sessions) restore(list []saved) {
	for _, k := range list {
		c := connection{logformat.Verbatim(k.Host), k.ID}
		if s.open[c] < k.Login {
			s.login(c, k.Login)
		}
	}
}

type state struct {
	Open   []saved `json:"open,omitempty"`
	Before int64   `json:"before,omitempty"` // time of the last record, seconds
	TLS    bool    `json:"tls,omitempty"`    // sessions.tlsField
}

func (p *parser) ResumeState() []byte {
	text, _ := json.Marshal(state{p.sessions.list(), p.clock.Before, p.sessions.tlsField}) // strings and numbers always can
	return text
}

func (p *parser) Restore(offset int64, text []byte, _ bool) error {
	var s state
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.ResumeAt, p.clock.Before = offset, s.Before
	p.sessions.restore(s.Open)
	p.sessions.tlsField = p.sessions.tlsField || s.TLS
	return nil
}
