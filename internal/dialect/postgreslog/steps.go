package postgreslog

import (
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// The steps of a connection, one function a message. After a restart lines may be read once more, of connections whose state
// is known from elsewhere: each step leaves a connection that has come further as it is.

func (a *Assembler) received(l *Line, at int64, batch *logformat.EventBatch) bool {
	if c := a.of(l); c != nil {
		if l.ID.Start != NoStart || l.Time <= c.First {
			return true // told again
		}
		a.end(c, batch) // a pid that was given anew
	}
	var f facts
	f.columns(l)
	if !f.received(l.Message) {
		return false
	}
	if a.known(l, stageReceived) {
		return true
	}
	c := a.add(l, at)
	a.names.keep(&c.facts, &f)
	return true
}

// end decides a connection of which nothing more can come.
func (a *Assembler) end(c *conn, batch *logformat.EventBatch) {
	switch c.Stage {
	case stageAuthorized:
		a.succeed(c, batch)
	case stageRefused:
		a.fail(c, batch)
	default:
		a.drop(c)
	}
}

func (a *Assembler) authenticated(l *Line, at int64) bool {
	c := a.of(l)
	f := c.known()
	f.columns(l)
	if !f.authenticated(l.Message) {
		return false
	}
	if c == nil {
		if a.known(l, stageAuthenticated) {
			return true
		}
		c = a.add(l, at)
	}
	if c.Stage > stageAuthenticated {
		return true
	}
	if c.Stage == stageReceived {
		c.Stage, c.Decisive = stageAuthenticated, l.Time
	}
	a.names.keep(&c.facts, &f)
	return true
}

func (a *Assembler) authorized(l *Line, at int64) bool {
	c := a.of(l)
	f := c.known()
	f.columns(l)
	if !f.authorized(l.Message) {
		return false
	}
	if c == nil {
		if a.known(l, stageAuthorized) {
			return true
		}
		c = a.add(l, at)
	}
	if c.Stage >= stageAuthorized {
		return true
	}
	a.names.keep(&c.facts, &f)
	c.Stage, c.Decisive = stageAuthorized, l.Time
	a.queue(c)
	return true
}

// ready is written by servers since 18, once a session is open. Of a server that writes nothing else it is the login.
func (a *Assembler) ready(l *Line, at int64, batch *logformat.EventBatch) {
	c := a.of(l)
	if c == nil {
		if a.doubted.open(l.ID) || a.decided.open(l.ID) {
			a.doubted.prove(l)
			return
		}
		c = a.add(l, at)
	}
	if c.Stage < stageAuthenticated {
		c.Stage, c.Decisive = stageReady, l.Time
		f := c.facts
		f.columns(l)
		a.names.keep(&c.facts, &f)
	}
	a.succeed(c, batch)
}

// disconnected is written by open sessions only, so it proves a login of which no verdict was told yet.
func (a *Assembler) disconnected(l *Line, batch *logformat.EventBatch) bool {
	var f facts
	f.columns(l)
	duration, ok := f.disconnection(l.Message)
	if !ok {
		return false
	}
	if c := a.of(l); c != nil {
		if c.Stage == stageReceived { // of a server that writes no more of who comes
			a.names.keep(&c.facts, &f)
		}
		a.succeed(c, batch)
	}
	a.doubted.prove(l)
	a.build.logout(l, &f, duration, batch.Add())
	return true
}

// succeed tells a login that something proves.
func (a *Assembler) succeed(c *conn, batch *logformat.EventBatch) {
	a.login(c, session.OutcomeSuccess, batch)
}

func (a *Assembler) login(c *conn, outcome session.Outcome, batch *logformat.EventBatch) {
	a.remember(c)
	a.build.login(c, outcome, batch.Add())
	a.drop(c)
}

// remember keeps the verdict in mind, unless the text in which the connection began says it again when it is read again: its
// line at hand decides.
func (a *Assembler) remember(c *conn) {
	if a.reading == nil || c.text != a.reading {
		a.decided.add(remembered{ID: c.ID, At: c.Decisive, Stage: c.Stage, Until: until(c.First, decidedFor)})
	}
}

// known tells whether a verdict was told that counts this line, which takes a connection to this stage.
func (a *Assembler) known(l *Line, to stage) bool {
	return a.doubted.knew(l, to) || a.decided.knew(l, to)
}

func (a *Assembler) remembers(id BackendID) bool { return a.doubted.has(id) || a.decided.has(id) }
