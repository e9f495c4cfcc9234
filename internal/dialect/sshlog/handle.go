package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// connectionOf ends the connection before where the message has another address: the system reused the pid.
func (p *Parser) connectionOf(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) *sshConnection {
	if c := p.connections.byProcess[from]; c != nil && c.Port != 0 && m.addressIsCertain() && (c.Address != m.address || c.Port != m.port) {
		p.emitAbandoned(c, c.FirstTime, "", batch)
		p.connections.removeConnection(c)
	}
	return p.startConnection(from, now, m)
}

// startConnection lets a connection count from its first line with the user's name in sshd's form.
func (p *Parser) startConnection(from processKey, now int64, m *sshdMessage) *sshConnection {
	known := p.connections.byProcess[from] != nil
	c := p.connections.findOrCreate(from, now)
	if m.system != "" {
		c.System = m.system
	}
	switch m.kind {
	case kindConnectionFrom, kindPAMError, kindPAMFailure, kindPAMMore, kindPAMAccess, kindRootRefused, kindDenied, kindDisconnectReceived, kindTooMany:
		c.StartIsProvisional = c.StartIsProvisional || !known
	default:
		if c.StartIsProvisional {
			c.StartIsProvisional, c.FirstTime = false, now
		}
	}
	return c
}

func (p *Parser) locateProcess(from processKey, apart bool, m *sshdMessage) processKey {
	if p.connections.byProcess[from] != nil || m.port == 0 || !m.addressIsCertain() {
		return from
	}
	if c := p.connections.byClient[clientKey{from.host, m.address, m.port}]; c != nil && c.LoginTime == 0 && (apart || c.InAuthProcess) {
		return c.processKey()
	}
	if from.pid != 0 {
		return from
	}
	before := processKey{host: from.host, peer: m.address} // known by its address, before a line with its port
	if c := p.connections.byProcess[before]; c != nil && c.LoginTime == 0 && (c.User == m.user || c.User == "" || m.user == "") {
		return before
	}
	return from
}

func (p *Parser) handleMessage(from processKey, apart bool, now int64, m *sshdMessage, batch *logformat.EventBatch) error {
	if m.kind == kindOther {
		return nil
	}
	from = p.locateProcess(from, apart, m)
	if apart {
		defer func() {
			if c := p.connections.byProcess[from]; c != nil {
				c.InAuthProcess = true
			}
		}()
	}
	switch m.kind {
	case kindAccepted:
		p.handleAccepted(from, now, m, batch)
	case kindAmbiguous, kindAmbiguousEnd:
		return p.resolveAmbiguous(from, now, m, batch)
	case kindFailed:
		p.handleFailed(from, now, m, batch)
	case kindConnectionFrom:
		p.connections.setClientAddress(p.connectionOf(from, now, m, batch), m.address, m.port)
	case kindInvalidUser, kindNotAllowed:
		p.handleInvalidUser(from, now, m, batch)
	case kindClosedEarly:
		p.handleClosedEarly(from, now, m, batch)
	case kindDisconnectReceived, kindTooMany:
		p.handleDisconnectNotice(from, now, m, batch)
	case kindTimeout:
		p.handleTimeout(from, now, m, batch)
	case kindDisconnected:
		return p.handleDisconnected(from, now, m, batch)
	case kindEnded:
		p.handleEnded(from, now, m, batch)
	case kindPAMError, kindPAMFailure, kindRootRefused, kindPAMMore, kindPAMAccess, kindDenied:
		p.handleRefusal(from, now, m, batch)
	case kindPAMOpened:
		p.handlePAMOpened(from, now, m, batch)
	case kindPAMClosed:
		p.handlePAMClosed(from, now, batch)
	case kindOther:
	}
	return nil
}

func (p *Parser) handleInvalidUser(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	c := p.connectionOf(from, now, m, batch)
	p.connections.setClientAddress(c, m.address, m.port)
	c.User, c.InvalidUser, c.NameHidden, c.Reason, c.FirstTime = strings.Clone(m.user), true, m.nameHidden, strings.Clone(m.reason), now
	if c.Address == "" {
		c.Address = strings.Clone(m.address)
	}
}

func (p *Parser) handlePAMClosed(from processKey, now int64, batch *logformat.EventBatch) {
	if c := p.connections.byProcess[from]; c != nil && c.LoginTime != 0 {
		p.emitLogout(c, "session closed", now, batch)
	}
}

func (p *Parser) handleDisconnected(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) error {
	c := p.connections.byClient[clientKey{from.host, m.address, m.port}]
	if c == nil || c.LoginTime == 0 || c.PAMSession {
		return nil
	}
	// Where PAM does not end it: the session's process writes this as its user, so that it must name no other user, and come from sshd's program.
	sameUser := m.user == "" || m.user == c.User
	switch {
	case m.writer == writerUser, m.writer == writerSession && !sameUser:
		return errNotProven
	case !sameUser: // of another connection, whose login was not read
		return nil
	}
	p.emitLogout(c, "Disconnected", now, batch)
	return nil
}

func (p *Parser) handleAccepted(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	c := p.connectionOf(from, now, m, batch)
	if c.LoginTime != 0 { // its process has ended, and the system reused the pid
		p.connections.removeConnection(c)
		c = p.startConnection(from, now, m)
	}
	p.connections.setClientAddress(c, m.address, m.port)
	p.forgetPAMChild(c, m)
	p.emitBeforeLogin(c, batch)
	c.User = strings.Clone(m.user)
	p.connections.startSession(c, now)
	p.emitLoginEvent(c, m, "Accepted", now, batch)
}

// emitBeforeLogin drops an attempt that only a PAM module called a failure: the next module accepted the user.
func (p *Parser) emitBeforeLogin(c *sshConnection, batch *logformat.EventBatch) {
	if c.Attempt != nil && c.Attempt.fromModule() {
		c.Attempt = nil
	}
	p.emitAttempt(c, batch)
	c.EndExpectedSince, c.EndReason = 0, ""
}

func (p *Parser) handleFailed(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	c := p.connectionOf(from, now, m, batch)
	p.connections.setClientAddress(c, m.address, m.port)
	c.NameHidden = c.NameHidden || m.nameHidden
	p.forgetPAMChild(c, m)
	if m.method != "none" { // by which clients ask what methods there are
		p.emitFailure(c, m, p.takeMatchingAttempt(c, m, batch), now, batch)
	}
}

func (p *Parser) resolveAmbiguous(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) error {
	c := p.connections.byProcess[from]
	if c == nil || c.Port == 0 || c.User == "" {
		return errAmbiguous
	}
	if m.kind == kindAmbiguousEnd {
		p.emitAbandoned(c, now, "", batch)
		p.connections.removeConnection(c)
		return nil
	}
	for i := range m.readings {
		if r := &m.readings[i]; r.user == c.User && r.address == c.Address && r.port == c.Port {
			m.kind = kindFailed
			m.chooseReading(r)
			p.handleFailed(from, now, m, batch)
			return nil
		}
	}
	return errAmbiguous
}

func (p *Parser) handleClosedEarly(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	if m.user == "" && !m.invalidUser && p.connections.byProcess[from] == nil {
		return
	}
	c := p.connectionOf(from, now, m, batch)
	p.connections.setClientAddress(c, m.address, m.port)
	if c.User == "" {
		c.User, c.InvalidUser, c.NameHidden = m.user, m.invalidUser, m.nameHidden
	}
	// Attempts with keys are not logged at the usual LogLevel.
	p.emitAbandoned(c, now, "", batch)
	p.connections.removeConnection(c)
}

func (p *Parser) handleDisconnectNotice(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	if c := p.connections.byProcess[from]; m.kind == kindDisconnectReceived && (c == nil || c.LoginTime != 0) {
		if m.port == 0 { // an old server writes no other line
			p.handleEnded(from, now, m, batch)
		}
		return
	}
	c := p.connectionOf(from, now, m, batch)
	if c.LoginTime != 0 {
		return
	}
	p.connections.setClientAddress(c, m.address, m.port)
	if c.Address == "" {
		c.Address = strings.Clone(m.address)
	}
	if c.User == "" {
		c.User, c.InvalidUser, c.NameHidden = strings.Clone(m.user), m.invalidUser, m.nameHidden
	}
	c.EndExpectedSince, c.EndReason = now, strings.Clone(m.reason)
	p.connections.scheduleFollowUp(c)
}

// handleEnded does nothing where PAM closes the session.
func (p *Parser) handleEnded(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	c := p.connections.byProcess[from]
	if c != nil && c.LoginTime != 0 && !c.PAMSession && (m.address == "" || m.address == c.Address) {
		p.emitLogout(c, "Disconnected", now, batch)
	}
}

func (p *Parser) handleTimeout(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	if m.pid != 0 {
		from = processKey{host: from.host, pid: m.pid}
	}
	c := p.connections.byClient[clientKey{from.host, m.address, m.port}]
	if c == nil || c.LoginTime != 0 {
		c = p.connectionOf(from, now, m, batch)
	}
	if c.LoginTime != 0 {
		return
	}
	p.connections.setClientAddress(c, m.address, m.port)
	if c.Address == "" {
		c.Address = strings.Clone(m.address)
	}
	p.emitAbandoned(c, now, session.ErrorTimeout, batch)
	p.connections.removeConnection(c)
}

func (p *Parser) handleRefusal(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	if known := p.connections.byProcess[from]; known == nil && m.kind == kindPAMMore ||
		known != nil && known.LoginTime != 0 && (m.kind == kindPAMMore || m.kind == kindPAMAccess) {
		return
	}
	c := p.connectionOf(from, now, m, batch)
	if c.LoginTime != 0 { // its process has ended, and the system reused the pid
		p.connections.removeConnection(c)
		c = p.startConnection(from, now, m)
	}
	p.connections.setClientAddress(c, m.address, m.port)
	c.NameHidden = c.NameHidden || m.nameHidden
	switch m.kind {
	case kindPAMError:
		p.forgetPAMChild(c, m)
		p.holdAttempt(c, m, fromPAM, now, batch)
	case kindRootRefused:
		if m.mayBeEcho && (c.Attempt != nil && c.Attempt.Source == fromRoot || c.LastFailedTime != 0 && now-c.LastFailedTime <= deniedFollowUpTime) {
			return
		}
		p.holdAttempt(c, m, fromRoot, now, batch)
	case kindPAMFailure:
		p.holdAttempt(c, m, m.module, now, batch)
	case kindPAMMore:
		p.emitRepeatedAttempts(c, m, now, batch)
	case kindPAMAccess:
		c.AccountRefusedTime, c.AccountModule = now, strings.Clone(m.module)
		if c.Address == "" {
			c.Address = strings.Clone(m.address)
		}
	case kindDenied:
		p.handleDenied(c, m, now, batch)
	}
}

// deniedFollowUpTime is how long after a module's line sshd writes "Failed", and after that one that PAM denied the account of the same attempt.
const deniedFollowUpTime = int64(1e9)

func (p *Parser) handleDenied(c *sshConnection, m *sshdMessage, now int64, batch *logformat.EventBatch) {
	if c.LastFailedTime != 0 && now-c.LastFailedTime <= deniedFollowUpTime && c.User == m.user {
		return // which is that one
	}
	if c.Attempt != nil && !c.Attempt.fromModule() {
		p.emitAttempt(c, batch)
	}
	address := c.Address
	if c.Attempt != nil {
		address = c.Attempt.Address
	}
	c.Attempt = &heldAttempt{
		Time: now, Source: fromAccount, User: m.user, Address: address, Reason: m.reason, Class: session.ErrorNotPermitted,
	}
	p.emitAttempt(c, batch)
}

func (p *Parser) handlePAMOpened(from processKey, now int64, m *sshdMessage, batch *logformat.EventBatch) {
	c := p.connections.byProcess[from]
	switch {
	case c != nil && c.LoginTime != 0:
		c.PAMSession = true
		return
	case m.user == "" || p.connections.recentLogin(from.host, m.user, now) != nil:
		return
	case c == nil:
		c = p.connections.findOrCreate(from, now)
	}
	p.emitBeforeLogin(c, batch)
	c.User, c.PAMSession = strings.Clone(m.user), true
	p.connections.startSession(c, now)
	p.emitLoginEvent(c, m, "session opened", now, batch)
}
