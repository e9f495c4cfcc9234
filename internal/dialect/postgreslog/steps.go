package postgreslog

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The steps of a connection, one function a message. After a restart lines may be read once more, of connections whose state
// is known from elsewhere: each step leaves a connection that has come further as it is.

func (a *Assembler) handleReceived(l *Line, at int64, batch *logformat.EventBatch) bool {
	if c := a.findConnection(l); c != nil {
		if l.ID.Start != NoStart || l.Time <= c.FirstTime {
			return true // read again
		}
		a.decideEnded(c, batch) // the pid was reused
	}
	var f ConnectionFacts
	f.setColumns(l)
	if !f.readAddress(l.Message[len(textReceived):]) {
		return false
	}
	if a.isAlreadyDecided(l, stageReceived) {
		return true
	}
	c := a.addConnection(l, at)
	c.ConnectionFacts = a.interner.internFacts(&f)
	return true
}

func (a *Assembler) decideEnded(c *undecidedConn, batch *logformat.EventBatch) {
	switch c.Stage {
	case stageAuthorized:
		a.emitSuccess(c, batch)
	case stageRefused:
		a.emitFailure(c, batch)
	default:
		a.removeConnection(c)
	}
}

func (a *Assembler) handleAuthenticated(l *Line, at int64) bool {
	c := a.findConnection(l)
	f := c.factsOrNone()
	f.setColumns(l)
	if !f.readAuthenticated(l.Message) {
		return false
	}
	if c == nil {
		if a.isAlreadyDecided(l, stageAuthenticated) {
			return true
		}
		c = a.addConnection(l, at)
	}
	if c.Stage > stageAuthenticated {
		return true
	}
	if c.Stage == stageReceived {
		c.Stage, c.VerdictTime = stageAuthenticated, l.Time
	}
	c.ConnectionFacts = a.interner.internFacts(&f)
	return true
}

func (a *Assembler) handleAuthorized(l *Line, at int64) bool {
	c := a.findConnection(l)
	f := c.factsOrNone()
	f.setColumns(l)
	if !f.readAuthorized(l.Message) {
		return false
	}
	if c == nil {
		if a.isAlreadyDecided(l, stageAuthorized) {
			return true
		}
		c = a.addConnection(l, at)
	}
	if c.Stage >= stageAuthorized {
		return true
	}
	c.ConnectionFacts = a.interner.internFacts(&f)
	c.Stage, c.VerdictTime = stageAuthorized, l.Time
	a.enqueueByStage(c)
	return true
}

func (a *Assembler) handleReady(l *Line, at int64, batch *logformat.EventBatch) {
	c := a.findConnection(l)
	if c == nil {
		if a.unproven.wasAdmitted(l.ID) || a.decided.wasAdmitted(l.ID) {
			a.unproven.markProven(l)
			return
		}
		c = a.addConnection(l, at)
	}
	// Servers since 18 write this once a session is open. Without other messages it is the login.
	if c.Stage < stageAuthenticated {
		c.Stage, c.VerdictTime = stageReady, l.Time
		f := c.ConnectionFacts
		f.setColumns(l)
		c.ConnectionFacts = a.interner.internFacts(&f)
	}
	a.emitSuccess(c, batch)
}

func (a *Assembler) handleDisconnection(l *Line, batch *logformat.EventBatch) bool {
	var f ConnectionFacts
	f.setColumns(l)
	duration, ok := f.readDisconnection(l.Message)
	if !ok {
		return false
	}
	// Only open sessions write it: it proves a login.
	if c := a.findConnection(l); c != nil {
		if c.Stage == stageReceived { // of a server that writes no more of who comes
			c.ConnectionFacts = a.interner.internFacts(&f)
		}
		a.emitSuccess(c, batch)
	}
	a.unproven.markProven(l)
	a.builder.buildLogout(l, &f, duration, batch.Add())
	return true
}

func (a *Assembler) emitSuccess(c *undecidedConn, batch *logformat.EventBatch) {
	a.emitLoginEvent(c, session.OutcomeSuccess, batch)
}

func (a *Assembler) emitLoginEvent(c *undecidedConn, outcome session.Outcome, batch *logformat.EventBatch) {
	a.rememberVerdict(c)
	a.builder.buildLogin(c, outcome, batch.Add())
	a.removeConnection(c)
}

// rememberVerdict is not needed where the text in which the connection began gives the verdict again when it is read again: its
// current line decides.
func (a *Assembler) rememberVerdict(c *undecidedConn) {
	if a.currentText == nil || c.text != a.currentText {
		a.decided.addConnection(decidedConn{ID: c.ID, VerdictTime: c.VerdictTime, Stage: c.Stage, Until: addDuration(c.FirstTime, decidedRetention)})
	}
}

// isAlreadyDecided is true for a line that an earlier verdict includes.
func (a *Assembler) isAlreadyDecided(l *Line, to connStage) bool {
	return a.unproven.coversLine(l, to) || a.decided.coversLine(l, to)
}

func (a *Assembler) isRemembered(id BackendID) bool {
	return a.unproven.byID.Contains(id) || a.decided.byID.Contains(id)
}
