package mariadblog

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// openSessions keeps the times of logins. A DISCONNECT follows a failed login too, and a connection's id begins anew with the server:
// only the time of its login, which a DISCONNECT does not repeat, makes it unique.
type openSessions struct {
	loginTimes *simplelru.LRU[connectionKey, int64] // nanoseconds
	tlsField   bool                                 // the server writes the version of TLS after each record of a connection
}

// connectionKey is unique while the server runs.
type connectionKey struct {
	Host string
	ID   int64
}

// maxSessions bounds the open sessions: the oldest are forgotten first, and end without a logout.
const maxSessions = 100_000

func newOpenSessions() *openSessions {
	times, _ := simplelru.NewLRU[connectionKey, int64](maxSessions, nil) // fails for no size only
	return &openSessions{loginTimes: times}
}

func (s *openSessions) removeLogin(c connectionKey) (login int64, ok bool) {
	login, ok = s.loginTimes.Peek(c)
	s.loginTimes.Remove(c)
	return login, ok
}

type savedSession struct {
	Connection connectionKey
	Login      int64
}

type parserState struct {
	Open   []savedSession
	Before int64 // time of the last record, seconds
	TLS    bool  // sessions.tlsField
}

func (p *auditParser) ResumeState() []byte {
	s := parserState{Before: p.clock.Before, TLS: p.sessions.tlsField}
	for _, c := range p.sessions.loginTimes.Keys() {
		login, _ := p.sessions.loginTimes.Peek(c)
		s.Open = append(s.Open, savedSession{c, login})
	}
	return logformat.EncodeState(s)
}

// Restore keeps the later of two logins with one id.
func (p *auditParser) Restore(offset int64, text []byte, _ bool) error {
	var s parserState
	if err := logformat.DecodeState(text, &s); err != nil {
		return err
	}
	p.ResumeAt, p.clock.Before = offset, s.Before
	for _, saved := range s.Open {
		if login, _ := p.sessions.loginTimes.Peek(saved.Connection); login < saved.Login {
			p.sessions.loginTimes.Add(saved.Connection, saved.Login)
		}
	}
	p.sessions.tlsField = p.sessions.tlsField || s.TLS
	return nil
}
