package postgreslog

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func (a *Assembler) fatal(l *Line, text *Text, at int64, page *logformat.Page) {
	c := a.open[l.ID]
	switch {
	case c != nil && c.Stage == stageAuthorized && ends(l.SQLState, l.Message):
		return // a disconnection will follow if the session was open
	case c == nil && a.doubted.told(l.ID):
		if !ends(l.SQLState, l.Message) {
			a.correct(l, page)
		}
		return
	case c == nil && (a.decided(l.ID) || !refuses(l)):
		return // of a session that is open: its disconnection follows
	case c == nil:
		c = a.add(l, text, at)
	}
	a.refuse(c, l)
	c.end = text
	if l.Continues {
		c.Due = l.Time + int64(detailWait)
		a.refused = c
		return
	}
	a.fail(c, page)
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

// detail takes the line behind a refusal, which completes it.
func (a *Assembler) detail(l *Line, page *logformat.Page) bool {
	c := a.refused
	if c == nil {
		return false
	}
	mine := l.ID == c.ID
	if mine && l.Severity == SeverityDetail {
		c.Detail = a.names.name(l.Message)
		return true
	}
	if mine && l.Severity == SeverityMore {
		return true
	}
	a.fail(c, page)
	return false
}

func (a *Assembler) fail(c *conn, page *logformat.Page) {
	a.settled(c, c.end)
	a.build.failure(c, page.Add())
	a.drop(c)
}

// correct tells that a login which was told as a success was refused after all.
func (a *Assembler) correct(l *Line, page *logformat.Page) {
	c := &conn{ID: l.ID, First: l.Time}
	a.refuse(c, l)
	a.build.correction(c, a.doubted.login(l.ID), page.Add())
	a.doubted.prove(l.ID)
}
