package sshlog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// attempt is one that a line told of which sshd may tell in a second line: it waits for that one, so that an attempt is one failure.
type attempt struct {
	Time    int64  `json:"t"`
	Source  string `json:"s"` // the line: PAM, ROOT LOGIN REFUSED, or a PAM module's name
	Method  string `json:"m,omitempty"`
	User    string `json:"u,omitempty"`
	Invalid bool   `json:"i,omitempty"`
	Address string `json:"a,omitempty"`
	Reason  string `json:"r,omitempty"`
	Class   string `json:"c,omitempty"`
}

const (
	fromPAM  = "PAM" // of sshd itself: each line is an attempt
	fromRoot = "ROOT LOGIN REFUSED"
	// fromAccount is told at once.
	fromAccount = "Access denied"

	// followUpTime is how long after a line that tells half of a thing the other half may come: the same process writes it at once.
	followUpTime = int64(3e9)
	// moduleTime is the same of a PAM module's line. Behind a refusal comes PAM's delay, and another module may ask again.
	moduleTime = int64(30e9)
)

// module tells of an attempt that only a PAM module told of. Another module may have let the user in.
func (a *attempt) module() bool {
	return a.Source != fromPAM && a.Source != fromRoot && a.Source != fromAccount
}

// dueAt is when nothing more is to be expected of a connection's last line, 0 when nothing waits.
func (c *connection) dueAt() int64 {
	switch {
	case c.Attempt != nil && c.Attempt.module():
		return c.Attempt.Time + moduleTime
	case c.Attempt != nil:
		return c.Attempt.Time + followUpTime
	case c.Leaving != 0:
		return c.Leaving + followUpTime
	}
	return 0
}

// failures is how many attempts of a connection were told.
func (c *connection) failures() int64 { return c.Failed + c.ToldByPAM }

// holdAttempt lets an attempt wait. One that waits already is another one, unless this is a second word about it.
func (p *Parser) holdAttempt(c *connection, m *message, source string, now int64, batch *logformat.EventBatch) {
	class := session.ErrorNotPermitted
	if source != fromRoot {
		class = pamErrorType(m.reason, m.invalid)
	}
	if old := c.Attempt; old != nil && (!old.module() || old.Source == source) {
		p.emitAttempt(c, batch)
	}
	c.Attempt = &attempt{
		Time: now, Source: strings.Clone(source), Method: strings.Clone(m.method), User: strings.Clone(m.user), Invalid: m.invalid,
		Address: strings.Clone(m.address), Reason: strings.Clone(m.reason), Class: class,
	}
	p.known.scheduleFollowUp(c)
}

// emitAttempt tells what waits, if anything does: no other line told of it.
func (p *Parser) emitAttempt(c *connection, batch *logformat.EventBatch) {
	a := c.Attempt
	if a == nil {
		return
	}
	c.Attempt = nil
	c.ToldByPAM++
	e := p.begin(c, a.Time, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, a.Source
	if a.module() {
		e.SourceEvent = "authentication failure"
	}
	if a.Address != "" && c.Port == 0 {
		e.ClientAddress = a.Address
	}
	e.User, e.FailureReason, e.ErrorType = a.User, a.Reason, a.Class
	e.AuthType, e.AuthMethod = a.Method, authMethod(a.Method, "")
	if c.User == "" {
		c.User = a.User
	}
	if c.Address == "" {
		c.Address = a.Address
	}
	p.identify(c, e, "failure by "+a.Source, c.ToldByPAM)
}

// forgetPAMChild forgets what a PAM module said of the attempt that a message is about, and that a process of its own wrote: sshd runs PAM
// in one for keyboard-interactive.
func (p *Parser) forgetPAMChild(c *connection, m *message) {
	if !strings.HasPrefix(m.method, "keyboard-interactive") {
		return
	}
	n := p.known.pamChild(c, m.user, m.address)
	if n == nil && m.invalid { // PAM's modules do not name whom nobody knows
		n = p.known.pamChild(c, "", m.address)
	}
	if n != nil {
		n.Attempt = nil
		p.known.end(n)
	}
}

// sameClient tells whether two addresses may be one client's: where sshd resolves addresses, some lines have the name.
func sameClient(a, b string) bool {
	if a == b {
		return true
	}
	_, err1 := netip.ParseAddr(a)
	_, err2 := netip.ParseAddr(b)
	return err1 != nil || err2 != nil
}

// takeAttempt is what waits when sshd says Failed. It is told first where that is of another attempt.
func (p *Parser) takeAttempt(c *connection, m *message, batch *logformat.EventBatch) *attempt {
	a := c.Attempt
	if a != nil && a.Source == fromPAM && !strings.HasPrefix(m.method, "keyboard-interactive") {
		p.emitAttempt(c, batch)
		return nil
	}
	c.Attempt = nil
	return a
}

// emitRepeatedAttempts tells attempts that PAM counted and no line told of.
func (p *Parser) emitRepeatedAttempts(c *connection, m *message, now int64, batch *logformat.EventBatch) {
	if c.Attempt == nil && c.ToldByPAM == 0 {
		return // sshd itself tells of attempts
	}
	last := attempt{Time: now, Source: "pam", User: c.User, Address: c.Address, Class: session.ErrorInvalidCredentials}
	if c.Attempt != nil {
		last = *c.Attempt
		p.emitAttempt(c, batch)
	}
	for reported := c.failures(); reported <= m.more; reported++ {
		again := last
		again.Time = now
		c.Attempt = &again
		p.emitAttempt(c, batch)
	}
}
