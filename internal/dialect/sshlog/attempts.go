package sshlog

import (
	"net/netip"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// heldAttempt waits for sshd's second line about the same attempt, so that an attempt is one failure.
type heldAttempt struct {
	Time    int64
	Source  string // the line: PAM, ROOT LOGIN REFUSED, or a PAM module's name
	Method  string
	User    string
	Invalid bool
	Address string
	Reason  string
	Class   string
}

const (
	fromPAM  = "PAM" // of sshd itself: each line is an attempt
	fromRoot = "ROOT LOGIN REFUSED"
	// fromAccount is not held.
	fromAccount = "Access denied"

	// followUpTime is how long after a line that says half of a thing the other half may come: the same process writes it at once.
	followUpTime = int64(3e9)
	// moduleTime is the same of a PAM module's line. Behind a refusal comes PAM's delay, and another module may ask again.
	moduleTime = int64(30e9)
)

// fromModule is true for an attempt of which only a PAM module wrote. Another module may have let the user in.
func (a *heldAttempt) fromModule() bool {
	return a.Source != fromPAM && a.Source != fromRoot && a.Source != fromAccount
}

// followUpDueAt is when no further line is expected of a connection, 0 when none is pending.
func (c *sshConnection) followUpDueAt() int64 {
	switch {
	case c.Attempt != nil && c.Attempt.fromModule():
		return c.Attempt.Time + moduleTime
	case c.Attempt != nil:
		return c.Attempt.Time + followUpTime
	case c.EndExpectedSince != 0:
		return c.EndExpectedSince + followUpTime
	}
	return 0
}

func (c *sshConnection) failedAttempts() int64 { return c.FailedAttempts + c.FailedByPAM }

// holdAttempt emits an attempt that is already held, unless this is a second line about it.
func (p *Parser) holdAttempt(c *sshConnection, m *sshdMessage, source string, now int64, batch *logformat.EventBatch) {
	class := session.ErrorNotPermitted
	if source != fromRoot {
		class = pamErrorType(m.reason, m.invalidUser)
	}
	if old := c.Attempt; old != nil && (!old.fromModule() || old.Source == source) {
		p.emitAttempt(c, batch)
	}
	c.Attempt = &heldAttempt{
		Time: now, Source: strings.Clone(source), Method: strings.Clone(m.method), User: strings.Clone(m.user), Invalid: m.invalidUser,
		Address: strings.Clone(m.address), Reason: strings.Clone(m.reason), Class: class,
	}
	p.connections.scheduleFollowUp(c)
}

func (p *Parser) emitAttempt(c *sshConnection, batch *logformat.EventBatch) {
	a := c.Attempt
	if a == nil {
		return
	}
	c.Attempt = nil
	c.FailedByPAM++
	e := p.addConnectionEvent(c, a.Time, batch)
	e.Kind, e.Outcome, e.SourceEvent = session.KindLogin, session.OutcomeFailure, a.Source
	if a.fromModule() {
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
	p.assignRecordIDs(c, e, "failure by "+a.Source, c.FailedByPAM)
}

// forgetPAMChild drops the attempt that a PAM module wrote in a process of its own: sshd runs PAM in one for keyboard-interactive.
func (p *Parser) forgetPAMChild(c *sshConnection, m *sshdMessage) {
	if !strings.HasPrefix(m.method, "keyboard-interactive") {
		return
	}
	n := p.connections.findPAMChild(c, m.user, m.address)
	if n == nil && m.invalidUser { // PAM's modules do not name unknown users
		n = p.connections.findPAMChild(c, "", m.address)
	}
	if n != nil {
		n.Attempt = nil
		p.connections.removeConnection(n)
	}
}

func mayBeSameClient(a, b string) bool {
	if a == b {
		return true
	}
	// sshd resolves addresses in some lines.
	_, err1 := netip.ParseAddr(a)
	_, err2 := netip.ParseAddr(b)
	return err1 != nil || err2 != nil
}

func (p *Parser) takeMatchingAttempt(c *sshConnection, m *sshdMessage, batch *logformat.EventBatch) *heldAttempt {
	a := c.Attempt
	if a != nil && a.Source == fromPAM && !strings.HasPrefix(m.method, "keyboard-interactive") {
		p.emitAttempt(c, batch)
		return nil
	}
	c.Attempt = nil
	return a
}

func (p *Parser) emitRepeatedAttempts(c *sshConnection, m *sshdMessage, now int64, batch *logformat.EventBatch) {
	if c.Attempt == nil && c.FailedByPAM == 0 {
		return // sshd logs each attempt itself
	}
	last := heldAttempt{Time: now, Source: "pam", User: c.User, Address: c.Address, Class: session.ErrorInvalidCredentials}
	if c.Attempt != nil {
		last = *c.Attempt
		p.emitAttempt(c, batch)
	}
	for reported := c.failedAttempts(); reported <= m.moreAttempts; reported++ {
		again := last
		again.Time = now
		c.Attempt = &again
		p.emitAttempt(c, batch)
	}
}
