package sshlog

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// connection is the one that a message of a process is of, begun where there is none. The system gives a pid anew: where the
// message says another address than is known, the connection before ended without a word that was read.
func (p *Parser) connection(from process, now int64, m *message, batch *logformat.EventBatch) *connection {
	if c := p.known.byProcess[from]; c != nil && c.Port != 0 && m.sure() && (c.Address != m.address || c.Port != m.port) {
		p.abandoned(c, c.Named, "", batch)
		p.known.end(c)
	}
	return p.startConnection(from, now, m)
}

// startConnection finds or begins the connection, which counts from its first line that names the user as sshd does.
func (p *Parser) startConnection(from process, now int64, m *message) *connection {
	known := p.known.byProcess[from] != nil
	c := p.known.findOrCreate(from, now)
	switch m.kind {
	case connectionFrom, pamError, pamFailure, pamMore, pamAccess, rootRefused, denied, disconnectReceived, tooMany:
		c.Greeted = c.Greeted || !known
	default:
		if c.Greeted {
			c.Greeted, c.Named = false, now
		}
	}
	return c
}

// locate gives the process that a message belongs to where another one wrote it: sshd-auth for sshd-session, or nobody says which.
func (p *Parser) locate(from process, apart bool, m *message) process {
	if p.known.byProcess[from] != nil || m.port == 0 || !m.sure() {
		return from
	}
	if c := p.known.byPeer[peer{from.host, m.address, m.port}]; c != nil && c.Login == 0 && (apart || c.Apart) {
		return c.process()
	}
	if from.pid != 0 {
		return from
	}
	before := process{host: from.host, peer: m.address} // what was said of it before its port
	if c := p.known.byProcess[before]; c != nil && c.Login == 0 && (c.User == m.user || c.User == "" || m.user == "") {
		return before
	}
	return from
}

// handleMessage makes of a message what it says with what is known of its connection.
func (p *Parser) handleMessage(from process, apart bool, now int64, m *message, batch *logformat.EventBatch) error {
	if m.kind == other {
		return nil
	}
	from = p.locate(from, apart, m)
	if apart {
		defer func() {
			if c := p.known.byProcess[from]; c != nil {
				c.Apart = true
			}
		}()
	}
	switch m.kind {
	case accepted:
		p.accepted(from, now, m, batch)
	case ambiguous, ambiguousEnd:
		return p.ambiguous(from, now, m, batch)
	case failed:
		p.failed(from, now, m, batch)
	case connectionFrom:
		p.greeted(from, now, m, batch)
	case invalidUser, notAllowed:
		c := p.connection(from, now, m, batch)
		p.known.setPeer(c, m.address, m.port)
		c.User, c.Invalid, c.Nameless, c.Reason, c.Named = strings.Clone(m.user), true, m.nameless, strings.Clone(m.reason), now
		if c.Address == "" {
			c.Address = strings.Clone(m.address)
		}
	case closedEarly:
		p.closedEarly(from, now, m, batch)
	case disconnectReceived, tooMany:
		p.disconnectNotice(from, now, m, batch)
	case timeout:
		p.timeout(from, now, m, batch)
	case disconnected:
		return p.disconnected(from, now, m, batch)
	case ended:
		p.ended(from, now, m, batch)
	case pamError, pamFailure, rootRefused, pamMore, pamAccess, denied:
		p.pamRefused(from, now, m, batch)
	case pamOpened:
		p.pamSessionOpened(from, now, m, batch)
	case pamClosed:
		if c := p.known.byProcess[from]; c != nil && c.Login != 0 {
			p.logout(c, "session closed", now, batch)
		}
	case other:
	}
	return nil
}

// disconnected ends a session where PAM does not. The session's process writes it, which runs as its user: such a line counts if it
// names that user, as far as it names one, and comes from sshd's program.
func (p *Parser) disconnected(from process, now int64, m *message, batch *logformat.EventBatch) error {
	c := p.known.byPeer[peer{from.host, m.address, m.port}]
	if c == nil || c.Login == 0 || c.PAM {
		return nil
	}
	sameUser := m.user == "" || m.user == c.User
	switch {
	case m.writer == writerUser, m.writer == writerSession && !sameUser:
		return errNotProven
	case !sameUser: // of another connection, whose login was not read
		return nil
	}
	p.logout(c, "Disconnected", now, batch)
	return nil
}

func (p *Parser) accepted(from process, now int64, m *message, batch *logformat.EventBatch) {
	c := p.connection(from, now, m, batch)
	if c.Login != 0 { // its process has died, and the system gave the pid anew
		p.known.end(c)
		c = p.startConnection(from, now, m)
	}
	p.known.setPeer(c, m.address, m.port)
	p.forgetPAMChild(c, m)
	p.emitBeforeLogin(c, batch)
	c.User = strings.Clone(m.user)
	p.known.login(c, now)
	p.login(c, m, "Accepted", now, batch)
}

// emitBeforeLogin tells the attempt before a login that sshd itself called a failure. One of which only a PAM module said so was this login: the
// next module knew the user.
func (p *Parser) emitBeforeLogin(c *connection, batch *logformat.EventBatch) {
	if c.Attempt != nil && c.Attempt.module() {
		c.Attempt = nil
	}
	p.emitAttempt(c, batch)
	c.Leaving, c.Farewell = 0, ""
}

func (p *Parser) failed(from process, now int64, m *message, batch *logformat.EventBatch) {
	c := p.connection(from, now, m, batch)
	p.known.setPeer(c, m.address, m.port)
	c.Nameless = c.Nameless || m.nameless
	p.forgetPAMChild(c, m)
	if m.method != "none" { // by which clients ask what methods there are
		p.failure(c, m, p.takeAttempt(c, m, batch), now, batch)
	}
}

// ambiguous is a failure, or the end of a connection, whose text can be read in several ways. The lines before it say which is right.
func (p *Parser) ambiguous(from process, now int64, m *message, batch *logformat.EventBatch) error {
	c := p.known.byProcess[from]
	if c == nil || c.Port == 0 || c.User == "" {
		return errAmbiguous
	}
	if m.kind == ambiguousEnd {
		p.abandoned(c, now, "", batch)
		p.known.end(c)
		return nil
	}
	for i := range m.others {
		if r := &m.others[i]; r.user == c.User && r.address == c.Address && r.port == c.Port {
			m.kind = failed
			m.choose(r)
			p.failed(from, now, m, batch)
			return nil
		}
	}
	return errAmbiguous
}

// greeted notes where a connection comes from before anything else is said of it.
func (p *Parser) greeted(from process, now int64, m *message, batch *logformat.EventBatch) {
	p.known.setPeer(p.connection(from, now, m, batch), m.address, m.port)
}

// closedEarly ends a connection that nobody logged in to. If a user was named and no attempt was logged (of keys it is not,
// at the usual LogLevel), this is its failure.
func (p *Parser) closedEarly(from process, now int64, m *message, batch *logformat.EventBatch) {
	if m.user == "" && !m.invalid && p.known.byProcess[from] == nil {
		return
	}
	c := p.connection(from, now, m, batch)
	p.known.setPeer(c, m.address, m.port)
	if c.User == "" {
		c.User, c.Invalid, c.Nameless = m.user, m.invalid, m.nameless
	}
	p.abandoned(c, now, "", batch)
	p.known.end(c)
}

// disconnectNotice notes that the end of a connection is near. Most servers write another line then.
func (p *Parser) disconnectNotice(from process, now int64, m *message, batch *logformat.EventBatch) {
	if c := p.known.byProcess[from]; m.kind == disconnectReceived && (c == nil || c.Login != 0) {
		if m.port == 0 { // an old server writes no other line
			p.ended(from, now, m, batch)
		}
		return
	}
	c := p.connection(from, now, m, batch)
	if c.Login != 0 {
		return
	}
	p.known.setPeer(c, m.address, m.port)
	if c.Address == "" {
		c.Address = strings.Clone(m.address)
	}
	if c.User == "" {
		c.User, c.Invalid, c.Nameless = strings.Clone(m.user), m.invalid, m.nameless
	}
	c.Leaving, c.Farewell = now, strings.Clone(m.reason)
	p.known.scheduleFollowUp(c)
}

// ended is a session whose own process says that it is over. Where PAM closes it, PAM tells.
func (p *Parser) ended(from process, now int64, m *message, batch *logformat.EventBatch) {
	c := p.known.byProcess[from]
	if c != nil && c.Login != 0 && !c.PAM && (m.address == "" || m.address == c.Address) {
		p.logout(c, "Disconnected", now, batch)
	}
}

// timeout is told by the connection's own process, or by the one that waits for it.
func (p *Parser) timeout(from process, now int64, m *message, batch *logformat.EventBatch) {
	if m.pid != 0 {
		from = process{host: from.host, pid: m.pid}
	}
	c := p.known.byPeer[peer{from.host, m.address, m.port}]
	if c == nil || c.Login != 0 {
		c = p.connection(from, now, m, batch)
	}
	if c.Login != 0 {
		return
	}
	p.known.setPeer(c, m.address, m.port)
	if c.Address == "" {
		c.Address = strings.Clone(m.address)
	}
	p.abandoned(c, now, session.ErrorTimeout, batch)
	p.known.end(c)
}

// pamRefused are the lines that tell of a failure beside, or in place of, sshd's "Failed".
func (p *Parser) pamRefused(from process, now int64, m *message, batch *logformat.EventBatch) {
	if m.kind == pamMore || m.kind == pamAccess {
		if c := p.known.byProcess[from]; c == nil || c.Login != 0 {
			return
		}
	}
	c := p.connection(from, now, m, batch)
	if c.Login != 0 { // its process has died, and the system gave the pid anew
		p.known.end(c)
		c = p.startConnection(from, now, m)
	}
	p.known.setPeer(c, m.address, m.port)
	c.Nameless = c.Nameless || m.nameless
	switch m.kind {
	case pamError:
		p.forgetPAMChild(c, m)
		p.holdAttempt(c, m, fromPAM, now, batch)
	case rootRefused:
		if m.echo && (c.Attempt != nil && c.Attempt.Source == fromRoot || c.Refused != 0 && now-c.Refused <= deniedTime) {
			return
		}
		p.holdAttempt(c, m, fromRoot, now, batch)
	case pamFailure:
		p.holdAttempt(c, m, m.module, now, batch)
	case pamMore:
		p.emitRepeatedAttempts(c, m, now, batch)
	case pamAccess:
		if c.Address == "" {
			c.Address = strings.Clone(m.address)
		}
	case denied:
		p.denied(c, m, now, batch)
	}
}

// deniedTime is how long after "Failed" sshd says that PAM denied the account of the same attempt.
const deniedTime = int64(1e9)

// denied is an attempt with the right key or password of a user whose account may not log in.
func (p *Parser) denied(c *connection, m *message, now int64, batch *logformat.EventBatch) {
	if c.Refused != 0 && now-c.Refused <= deniedTime && c.User == m.user {
		return // which is that one
	}
	if c.Attempt != nil && !c.Attempt.module() {
		p.emitAttempt(c, batch)
	}
	address := c.Address
	if c.Attempt != nil {
		address = c.Attempt.Address
	}
	c.Attempt = &attempt{
		Time: now, Source: fromAccount, User: m.user, Address: address, Reason: m.reason, Class: session.ErrorNotPermitted,
	}
	p.emitAttempt(c, batch)
}

// pamSessionOpened is a session that PAM opened, of a login that sshd told, or kept silent about.
func (p *Parser) pamSessionOpened(from process, now int64, m *message, batch *logformat.EventBatch) {
	c := p.known.byProcess[from]
	switch {
	case c != nil && c.Login != 0:
		c.PAM = true
		return
	case m.user == "" || p.known.recentLogin(from.host, m.user, now) != nil:
		return
	case c == nil:
		c = p.known.findOrCreate(from, now)
	}
	p.emitBeforeLogin(c, batch)
	c.User, c.PAM = strings.Clone(m.user), true
	p.known.login(c, now)
	p.login(c, m, "session opened", now, batch)
}
