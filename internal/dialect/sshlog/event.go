package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// System is the service that is logged in to.
const System = "sshd"

func (c *sshConnection) systemName() string {
	if c.System != "" {
		return c.System
	}
	return System
}

const keyAttribute = session.SourceField + "key"

func (p *Parser) emitLoginEvent(c *sshConnection, m *sshdMessage, word string, now int64, batch *logformat.EventBatch) {
	e := p.addConnectionEvent(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent, e.User = session.KindLogin, session.OutcomeSuccess, word, m.user
	setAuthMethod(e, m)
	p.assignRecordIDs(c, e, "login", 0)
}

func (p *Parser) emitFailure(c *sshConnection, m *sshdMessage, refused *heldAttempt, now int64, batch *logformat.EventBatch) {
	e := p.addConnectionEvent(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, "Failed"
	e.User, e.UserEmpty = m.user, m.user == "" && !m.nameHidden
	setAuthMethod(e, m)
	e.FailureReason, e.ErrorType = c.Reason, errorTypeOfFailure(c, m.invalidUser)
	if refused != nil && refused.Source == fromRoot {
		e.FailureReason, e.ErrorType = refused.Reason, refused.Class
	}
	if c.AccountRefusedTime != 0 && now-c.AccountRefusedTime <= deniedFollowUpTime { // the user had proven who he is
		e.FailureReason, e.ErrorType = "PAM: refused by "+c.AccountModule, session.ErrorNotPermitted
	}
	c.AccountRefusedTime = 0
	if c.User == "" {
		c.User = strings.Clone(m.user)
	}
	// A text that was cut short is read again from its beginning, by a parser of its own: what it says has the ids that it had.
	if now < c.LastFailedTime || now == c.LastFailedTime && c.failedReader != nil && c.failedReader != p {
		c.FailedAttempts = 0
	}
	c.FailedAttempts++
	c.LastFailedTime, c.failedReader = now, p
	p.assignRecordIDs(c, e, "failure", c.FailedAttempts)
}

// emitAbandoned is for a connection that named a user, or was cut off for a reason with a class, and ended without a logged attempt.
func (p *Parser) emitAbandoned(c *sshConnection, now int64, class string, batch *logformat.EventBatch) {
	p.emitAttempt(c, batch)
	if c.User == "" && !c.InvalidUser && class == "" || c.failedAttempts() > 0 || c.LoginTime != 0 {
		return
	}
	e := p.addConnectionEvent(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, "Connection closed"
	e.User, e.UserEmpty = c.User, c.User == "" && c.InvalidUser && !c.NameHidden
	e.FailureReason, e.ErrorType = c.Reason, class
	if class == "" {
		e.ErrorType = errorTypeOfFailure(c, c.InvalidUser)
	}
	c.FailedAttempts++
	p.assignRecordIDs(c, e, "failure", c.FailedAttempts)
}

func (p *Parser) emitLogout(c *sshConnection, word string, now int64, batch *logformat.EventBatch) {
	e := p.addConnectionEvent(c, now, batch)
	e.Kind, e.Outcome, e.SourceEvent, e.User = session.KindLogout, session.OutcomeSuccess, word, c.User
	p.assignRecordIDs(c, e, "logout", 0)
	p.connections.removeConnection(c)
}

// unknownAddress stands, with port 65535, for what is not an Internet connection: sshd -i behind a socket or a proxy command.
const unknownAddress = "UNKNOWN"

func (p *Parser) addConnectionEvent(c *sshConnection, now int64, batch *logformat.EventBatch) *session.Event {
	e := batch.Add()
	e.Reset()
	e.System, e.Instance, e.Host, e.Interface = c.systemName(), p.instance, c.Host, "ssh2"
	e.Time, e.PID = now, c.PID
	if c.Address != unknownAddress {
		e.ClientAddress, e.ClientPort = c.Address, c.Port
	}
	return e
}

// assignRecordIDs has the time of the login, or of the attempt, in the ids: pids come again.
func (p *Parser) assignRecordIDs(c *sshConnection, e *session.Event, what string, attempt int64) {
	start := c.LoginTime
	if start == 0 {
		start = c.FirstTime
	}
	e.SessionKey = p.hash.Start("session", c.systemName(), p.instance).Str(c.Host).Int(c.PID).Str(c.Address).Int(int64(c.Port)).Int(start).Key()
	e.RecordID = p.hash.Start("record", c.systemName(), p.instance).Str(c.Host).Int(c.PID).Str(c.Address).Int(int64(c.Port)).Int(e.Time).
		Str(what).Int(attempt).RecordID(e.Time)
}

func setAuthMethod(e *session.Event, m *sshdMessage) {
	e.AuthType, e.AuthMethod = m.method, authMethod(m.method, m.publicKey)
	if m.publicKey != "" {
		e.Extra = append(e.Extra, session.Attr{Key: keyAttribute, Value: m.publicKey})
	}
}

func authMethod(method, key string) string {
	base, _, _ := strings.Cut(method, "/")
	switch base {
	case "":
		return ""
	case "none":
		return session.AuthNone
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

func errorTypeOfFailure(c *sshConnection, invalid bool) string {
	switch {
	case strings.HasPrefix(c.Reason, "not allowed because account is locked"):
		return session.ErrorAccountLocked
	case strings.HasPrefix(c.Reason, "not allowed because "), c.Reason == reasonProhibited, strings.HasSuffix(c.Reason, dropbearRejected):
		return session.ErrorNotPermitted
	case invalid:
		return session.ErrorUserUnknown
	}
	return session.ErrorInvalidCredentials
}
