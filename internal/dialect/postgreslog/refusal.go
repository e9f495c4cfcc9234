package postgreslog

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func (a *Assembler) handleFatal(l *Line, at int64, batch *logformat.EventBatch) {
	c := a.findConnection(l)
	switch {
	case c != nil && c.Stage == stageRefused && l.Time <= c.VerdictTime:
		return // read again: its DETAIL may be known already
	case c != nil && c.Stage == stageAuthorized && endsSession(l.SQLState, l.Message):
		return // a disconnection will follow if the session was open
	case c == nil && a.unproven.unprovenLoginTime(l.ID) != 0:
		if !endsSession(l.SQLState, l.Message) {
			a.emitCorrection(l, batch)
		}
		return
	case c == nil && (a.isAlreadyDecided(l, stageRefused) || l.ID.Start != NoStart && (a.unproven.wasAdmitted(l.ID) || a.decided.wasAdmitted(l.ID)) || !refusesLogin(l)):
		return // of a session that is open: its disconnection follows
	case c == nil:
		c = a.addConnection(l, at)
	}
	a.setRefused(c, l)
	if !l.Continues {
		a.emitFailure(c, batch)
		return
	}
	c.refusedIn = a.currentText
	a.enqueueByStage(c)
}

// setRefused takes the line's names, which the server has not checked.
func (a *Assembler) setRefused(c *undecidedConn, l *Line) {
	f := c.ConnectionFacts
	f.setColumns(l)
	f.readRejected(l.Message)
	if f.User == "" {
		f.User = refusedUser(l.Message)
	}
	c.ConnectionFacts = a.interner.internFacts(&f)
	c.Stage, c.VerdictTime = stageRefused, l.Time
	c.SQLState, c.Reason, c.Detail = a.interner.internText(l.SQLState), a.interner.internText(l.Message), a.interner.internText(l.Detail)
}

func (a *Assembler) handleDetail(l *Line, batch *logformat.EventBatch) bool {
	if a.refusedQueue.Len() == 0 {
		return false
	}
	if c := a.open[l.ID]; c != nil && c.Stage == stageRefused && (l.Severity == SeverityDetail || l.Severity == SeverityMore) {
		if l.Severity == SeverityDetail {
			c.Detail = a.interner.internText(l.Message)
		}
		c.refusedIn = a.currentText
		return true
	}
	// Any other line shows that there is none, except an older one of another text that is read again.
	for waiting := a.refusedQueue.Front(); waiting != nil; {
		c := waiting.Value.(*undecidedConn)
		waiting = waiting.Next()
		if c.refusedIn == a.currentText || l.Time > c.VerdictTime || l.Time == c.VerdictTime && c.refusedIn != nil {
			a.emitFailure(c, batch)
		}
	}
	return false
}

func (a *Assembler) emitFailure(c *undecidedConn, batch *logformat.EventBatch) {
	a.rememberVerdict(c)
	a.builder.buildFailure(c, batch.Add())
	a.removeConnection(c)
}

func (a *Assembler) emitCorrection(l *Line, batch *logformat.EventBatch) {
	c := &undecidedConn{ID: l.ID, FirstTime: l.Time}
	a.setRefused(c, l)
	a.builder.buildCorrection(c, a.unproven.unprovenLoginTime(l.ID), batch.Add())
	a.unproven.markProven(l)
}
