package mariadblog

import (
	"encoding/json"
	"fmt"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// openSessions keeps the times of logins. A DISCONNECT follows a failed login too, and a connection's id begins anew with the server:
// only the time of its login, which a DISCONNECT does not repeat, makes it unique.
type openSessions struct {
	loginTimes  map[connectionKey]int64 // time of the login, nanoseconds
	oldestFirst []connectionKey         // the oldest first; some may be closed

	tlsField bool // the server writes the version of TLS after each record of a connection
}

// connectionKey is unique while the server runs.
type connectionKey struct {
	Host string
	ID   int64
}

// maxSessions bounds the open sessions: the oldest are forgotten first, and end without a logout.
const maxSessions = 100_000

func (s *openSessions) addLogin(c connectionKey, at int64) {
	if s.loginTimes == nil {
		s.loginTimes = map[connectionKey]int64{}
	}
	if _, ok := s.loginTimes[c]; !ok {
		s.oldestFirst = append(s.oldestFirst, c)
	}
	s.loginTimes[c] = at
	if len(s.oldestFirst) > 2*maxSessions || len(s.loginTimes) > maxSessions {
		s.dropOldest()
	}
}

func (s *openSessions) removeLogin(c connectionKey) (login int64, ok bool) {
	login, ok = s.loginTimes[c]
	delete(s.loginTimes, c)
	return login, ok
}

// dropOldest drops closed sessions from the order, and the oldest tenth when too many are open.
func (s *openSessions) dropOldest() {
	excess := 0
	if len(s.loginTimes) > maxSessions {
		excess = maxSessions / 10
	}
	seen, kept := make(map[connectionKey]bool, len(s.loginTimes)), s.oldestFirst[:0]
	for _, c := range s.oldestFirst {
		if _, ok := s.loginTimes[c]; !ok || seen[c] {
			continue
		}
		seen[c] = true
		if excess > 0 {
			excess--
			delete(s.loginTimes, c)
			continue
		}
		kept = append(kept, c)
	}
	s.oldestFirst = kept
}

type savedSession struct {
	Host  string `json:"h"`
	ID    int64  `json:"i"`
	Login int64  `json:"t"`
}

func (s *openSessions) savedSessions() (list []savedSession) {
	if len(s.loginTimes) == 0 {
		return nil
	}
	s.dropOldest()
	for _, c := range s.oldestFirst {
		list = append(list, savedSession{logformat.Portable(c.Host), c.ID, s.loginTimes[c]})
	}
	return list
}

// addSaved keeps the later of two logins with one id.
func (s *openSessions) addSaved(list []savedSession) {
	for _, k := range list {
		c := connectionKey{logformat.Verbatim(k.Host), k.ID}
		if s.loginTimes[c] < k.Login {
			s.addLogin(c, k.Login)
		}
	}
}

type parserState struct {
	Open   []savedSession `json:"open,omitempty"`
	Before int64          `json:"before,omitempty"` // time of the last record, seconds
	TLS    bool           `json:"tls,omitempty"`    // sessions.tlsField
}

func (p *auditParser) ResumeState() []byte {
	text, _ := json.Marshal(parserState{p.sessions.savedSessions(), p.clock.Before, p.sessions.tlsField}) // strings and numbers always can
	return text
}

func (p *auditParser) Restore(offset int64, text []byte, _ bool) error {
	var s parserState
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s); err != nil {
			return fmt.Errorf("state of the parser: %w", err)
		}
	}
	p.ResumeAt, p.clock.Before = offset, s.Before
	p.sessions.addSaved(s.Open)
	p.sessions.tlsField = p.sessions.tlsField || s.TLS
	return nil
}
