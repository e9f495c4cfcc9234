package mariadblog

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// openSessions keeps the logins. A DISCONNECT follows a failed login too, and a connection's id starts again with the server:
// only the time of its login, which a DISCONNECT does not repeat, makes it unique.
type openSessions struct {
	logins   *simplelru.LRU[connectionKey, openLogin]
	tlsField bool // the server writes the version of TLS after each record of a connection
}

type openLogin struct {
	Login          int64 // its time, nanoseconds
	User, Database string
}

// connectionKey is unique while the server runs.
type connectionKey struct {
	Host string
	ID   int64
}

// maxSessions bounds the open sessions: the oldest are forgotten first, and end without a logout.
const maxSessions = 100_000

func newOpenSessions() *openSessions {
	logins, _ := simplelru.NewLRU[connectionKey, openLogin](maxSessions, nil) // fails for no size only
	return &openSessions{logins: logins}
}

func (s *openSessions) removeLogin(c connectionKey) (login openLogin, ok bool) {
	login, ok = s.logins.Peek(c)
	s.logins.Remove(c)
	return login, ok
}

type savedSession struct {
	Connection     connectionKey
	Login          int64
	User, Database string
}

type parserState struct {
	Open   []savedSession
	Before int64 // time of the last record, seconds
	TLS    bool  // sessions.tlsField
}

func (p *auditParser) ResumeState() []byte {
	s := parserState{Before: p.clock.Before, TLS: p.sessions.tlsField}
	for _, c := range p.sessions.logins.Keys() {
		login, _ := p.sessions.logins.Peek(c)
		s.Open = append(s.Open, savedSession{c, login.Login, login.User, login.Database})
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
		if login, _ := p.sessions.logins.Peek(saved.Connection); login.Login < saved.Login {
			p.sessions.logins.Add(saved.Connection, openLogin{saved.Login, saved.User, saved.Database})
		}
	}
	p.sessions.tlsField = p.sessions.tlsField || s.TLS
	return nil
}
