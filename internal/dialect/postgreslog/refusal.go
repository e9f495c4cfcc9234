package postgreslog

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func (a *Assembler) fatal(l *Line, at int64, batch *logformat.EventBatch) {
	c := a.of(l)
	switch {
	case c != nil && c.Stage == stageRefused && l.Time <= c.Decisive:
		return // told again: its DETAIL may be known already
	case c != nil && c.Stage == stageAuthorized && ends(l.SQLState, l.Message):
		return // a disconnection will follow if the session was open
	case c == nil && a.doubted.told(l.ID):
		if !ends(l.SQLState, l.Message) {
			a.correct(l, batch)
		}
		return
	case c == nil && (a.known(l, stageRefused) || l.ID.Start != NoStart && (a.doubted.open(l.ID) || a.decided.open(l.ID)) || !refuses(l)):
		return // of a session that is open: its disconnection follows
	case c == nil:
		c = a.add(l, at)
	}
	a.refuse(c, l)
	if !l.Continues {
		a.fail(c, batch)
		return
	}
	c.end = a.reading
	a.queue(c)
}

// refuse notes a refusal, whose names are the line's own: nobody has checked them.
func (a *Assembler) refuse(c *conn, l *Line) {
	f := c.facts
	f.columns(l)
	f.rejected(l.Message)
	if f.User == "" {
		f.User = refusedUser(l.Message)
	}
	a.names.keep(&c.facts, &f)
	c.Stage, c.Decisive = stageRefused, l.Time
	c.SQLState, c.Reason, c.Detail = a.names.name(l.SQLState), a.names.name(l.Message), a.names.name(l.Detail)
}

// detail takes the line behind a refusal, which completes it. Any other line behind it says that there is none; an older one
// of another text, which is being read once more, says nothing.
func (a *Assembler) detail(l *Line, batch *logformat.EventBatch) bool {
	if a.refused.first == nil {
		return false
	}
	if c := a.open[l.ID]; c != nil && c.Stage == stageRefused && (l.Severity == SeverityDetail || l.Severity == SeverityMore) {
		if l.Severity == SeverityDetail {
			c.Detail = a.names.name(l.Message)
		}
		c.end = a.reading
		return true
	}
	for c := a.refused.first; c != nil; {
		next := c.next
		if c.end == a.reading || l.Time > c.Decisive || l.Time == c.Decisive && c.end != nil {
			a.fail(c, batch)
		}
		c = next
	}
	return false
}

func (a *Assembler) fail(c *conn, batch *logformat.EventBatch) {
	a.remember(c)
	a.build.failure(c, batch.Add())
	a.drop(c)
}

// correct tells that a login which was told as a success was refused after all.
func (a *Assembler) correct(l *Line, batch *logformat.EventBatch) {
	c := &conn{ID: l.ID, First: l.Time}
	a.refuse(c, l)
	a.build.correction(c, a.doubted.login(l.ID), batch.Add())
	a.doubted.prove(l)
}
