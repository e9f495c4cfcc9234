package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// System is the service that is logged in to.
const System = "sshd"

const keyKey = session.SourceField + "key"

func (p *Parser) login(c *connection, m *message, word string, now int64, batch *logformat.EventBatch) {
	e := p.begin(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent, e.User = session.KindLogin, session.OutcomeSuccess, word, m.user
	how(e, m)
	p.identify(c, e, "login", 0)
}

// failure is one attempt of those that a connection may make.
// refused is what another line said of it.
func (p *Parser) failure(c *connection, m *message, refused *attempt, now int64, batch *logformat.EventBatch) {
	e := p.begin(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, "Failed"
	e.User, e.UserEmpty = m.user, m.user == "" && !m.nameless
	how(e, m)
	e.FailureReason, e.ErrorType = c.Reason, errorType(c, m.invalid)
	if refused != nil && refused.Source == fromRoot {
		e.FailureReason, e.ErrorType = refused.Reason, refused.Class
	}
	if c.User == "" {
		c.User = strings.Clone(m.user)
	}
	c.Failed++
	c.Refused = now
	p.identify(c, e, "failure", c.Failed)
}

// abandoned is a connection that named a user, or was cut off for a reason that has a class, and ended without an attempt that was
// logged.
func (p *Parser) abandoned(c *connection, now int64, class string, batch *logformat.EventBatch) {
	p.emitAttempt(c, batch)
	if c.User == "" && !c.Invalid && class == "" || c.failures() > 0 || c.Login != 0 {
		return
	}
	e := p.begin(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, "Connection closed"
	e.User, e.UserEmpty = c.User, c.User == "" && c.Invalid && !c.Nameless
	e.FailureReason, e.ErrorType = c.Reason, class
	if class == "" {
		e.ErrorType = errorType(c, c.Invalid)
	}
	c.Failed++
	p.identify(c, e, "failure", c.Failed)
}

func (p *Parser) logout(c *connection, word string, now int64, batch *logformat.EventBatch) {
	e := p.begin(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent, e.User = session.KindLogout, session.OutcomeSuccess, word, c.User
	p.identify(c, e, "logout", 0)
	p.known.end(c)
}

func (p *Parser) begin(c *connection, now int64, batch *logformat.EventBatch) *session.Event {
	e := batch.Add()
	e.Reset()
	e.System, e.Instance, e.Host, e.Interface = System, p.instance, c.Host, "ssh2"
	e.Time, e.PID, e.ClientAddress, e.ClientPort = now, c.PID, c.Address, c.Port
	return e
}

// identify gives the ids. A pid comes again, so the time of the login, or of the attempt, makes a session unique.
func (p *Parser) identify(c *connection, e *session.Event, what string, attempt int64) {
	start := c.Login
	if start == 0 {
		start = c.Named
	}
	e.SessionKey = p.hash.Start("session", System, p.instance).Str(c.Host).Int(c.PID).Str(c.Address).Int(int64(c.Port)).Int(start).Key()
	e.RecordID = p.hash.Start("record", System, p.instance).Str(c.Host).Int(c.PID).Str(c.Address).Int(int64(c.Port)).Int(e.Time).
		Str(what).Int(attempt).RecordID(e.Time)
}

func how(e *session.Event, m *message) {
	e.AuthType, e.AuthMethod = m.method, authMethod(m.method, m.extra)
	if m.extra != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keyKey, Value: m.extra})
	}
}

func authMethod(method, key string) string {
	base, _, _ := strings.Cut(method, "/")
	switch base {
	case "":
		return ""
	case "password":
		return session.AuthPassword
	case "publickey":
		if kind, _, _ := strings.Cut(key, " "); strings.HasSuffix(kind, "-CERT") {
			return session.AuthCertificate
		}
		return session.AuthSSHKey
	case "keyboard-interactive":
		return session.AuthPAM
	case "gssapi-with-mic", "gssapi-keyex":
		return session.AuthKerberos
	}
	return session.AuthOther
}

// errorType tells the unknown user from the one that sshd_config or the system keeps out.
func errorType(c *connection, invalid bool) string {
	switch {
	case strings.HasPrefix(c.Reason, "not allowed because account is locked"):
		return session.ErrorAccountLocked
	case strings.HasPrefix(c.Reason, "not allowed because "), c.Reason == reasonProhibited:
		return session.ErrorNotPermitted
	case invalid:
		return session.ErrorUserUnknown
	}
	return session.ErrorInvalidCredentials
}
