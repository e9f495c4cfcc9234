package postgreslog

import (
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Assembler makes logins and logouts of the lines of connections. It is a pure state machine: what it says depends on the
// lines and their times alone, and its state can be written down. Several texts may feed it.
//
// A connection is received, authenticated and authorized, and even then it may be refused (an unknown database, a limit).
// What proves the login is a line that only an open session can write; failing that, that no refusal followed in time. If
// one follows later, it is told as a correction.
type Assembler struct {
	build   builder
	names   names
	patient int64 // nanoseconds that an authorized connection is held back

	open    map[BackendID]*conn
	opening queue // no verdict of the server's yet, by the time of their first lines
	waiting queue // authorized, by the time of that
	refused *conn // whose DETAIL may be the next line
	free    []*conn

	doubted   memory // logins told without proof
	elsewhere memory // connections decided in another text than they began in, which may be read once more
}

const (
	// DefaultDecideAfter is how long no refusal must follow for a login to count. The server needs milliseconds.
	DefaultDecideAfter = 10 * time.Second
	// givenUp is how long a connection may take to authenticate: authentication_timeout is a minute.
	givenUp = 70 * time.Second
	// detailWait is how long after a refusal its DETAIL is waited for: the server writes both at once.
	detailWait = time.Second
	// maxOpen bounds the connections without verdict; a flood has its first ones decided early.
	maxOpen = 1 << 16
)

// NewAssembler makes one for the server of this stable name.
func NewAssembler(instance string, decideAfter time.Duration) *Assembler {
	if decideAfter <= 0 {
		decideAfter = DefaultDecideAfter
	}
	return &Assembler{build: newBuilder(instance), patient: int64(decideAfter), open: map[BackendID]*conn{}}
}

// Text is one of the texts that feed an assembler: a file, a stream. Its address is its identity.
type Text struct{ _ byte }

// Add takes the next line, which stands at this place of its text, and tells what it decides. It returns false when the
// line is one of those about connections and cannot be read.
func (a *Assembler) Add(l *Line, text *Text, at int64, page *logformat.Page) bool {
	a.build.line = l
	defer a.build.forget()
	if a.detail(l, page) {
		return true
	}
	a.Settle(l.Time, page)
	switch classify(l.Severity, l.Message) {
	case msgReceived:
		return a.received(l, text, at, page)
	case msgAuthenticated:
		return a.authenticated(l, text, at)
	case msgAuthorized:
		return a.authorized(l, text, at)
	case msgReady:
		a.ready(l, text, page)
	case msgDisconnection:
		return a.disconnected(l, text, page)
	case msgFatal:
		a.fatal(l, text, at, page)
	case msgError:
		if c := a.open[l.ID]; c != nil && c.Stage == stageAuthorized {
			a.succeed(c, text, page) // an error before the session is open would be FATAL
		}
	case msgOther:
	}
	return true
}

// Settle tells what is decided because it is now (nanoseconds since 1970 UTC) and nothing more came.
func (a *Assembler) Settle(now int64, page *logformat.Page) {
	if c := a.refused; c != nil && now >= c.Due {
		a.fail(c, page)
	}
	for c := a.opening.first; c != nil && (now >= c.Due || len(a.open) > maxOpen); c = a.opening.first {
		switch c.Stage {
		case stageRefused:
			a.fail(c, page)
			continue
		case stageAuthenticated:
			a.build.login(c, session.OutcomeUnknown, page.Add())
		}
		a.drop(c)
	}
	for c := a.waiting.first; c != nil && (now >= c.Due || len(a.open) > maxOpen); c = a.waiting.first {
		a.doubted.add(remembered{ID: c.ID, Login: c.Decisive, Until: now + doubtedFor})
		a.build.login(c, session.OutcomeSuccess, page.Add())
		a.drop(c)
	}
	a.doubted.expire(now)
	a.elsewhere.expire(now)
}

// decided tells whether a connection got its verdict before this line of it.
func (a *Assembler) decided(id BackendID) bool { return a.doubted.has(id) || a.elsewhere.has(id) }

// Undecided is the place of the first line of this text that belongs to a connection without verdict.
func (a *Assembler) Undecided(text *Text) (at int64, any bool) {
	for _, c := range a.open {
		if c.text == text && (!any || c.at < at) {
			at, any = c.at, true
		}
	}
	return at, any
}

func (a *Assembler) received(l *Line, text *Text, at int64, page *logformat.Page) bool {
	if c := a.open[l.ID]; c != nil {
		if l.ID.Start != NoStart {
			return true // told again: a parser goes on at its anchor
		}
		a.end(c, text, page) // a pid that was given anew
	}
	if l.ID.Start == NoStart {
		a.doubted.forget(l.ID)
		a.elsewhere.forget(l.ID)
	}
	var f facts
	f.columns(l)
	if !f.received(l.Message) {
		return false
	}
	if !a.decided(l.ID) {
		c := a.add(l, text, at)
		a.names.keep(&c.facts, &f)
	}
	return true
}

// end decides a connection of which nothing more can come.
func (a *Assembler) end(c *conn, text *Text, page *logformat.Page) {
	if c.Stage == stageAuthorized {
		a.succeed(c, text, page)
		return
	}
	a.drop(c)
}

func (a *Assembler) authenticated(l *Line, text *Text, at int64) bool {
	c := a.open[l.ID]
	f := c.known()
	f.columns(l)
	if !f.authenticated(l.Message) {
		return false
	}
	if c == nil {
		if a.decided(l.ID) {
			return true
		}
		c = a.add(l, text, at)
	}
	if c.Stage == stageReceived {
		c.Stage, c.Decisive = stageAuthenticated, l.Time
	}
	a.names.keep(&c.facts, &f)
	return true
}

func (a *Assembler) authorized(l *Line, text *Text, at int64) bool {
	c := a.open[l.ID]
	f := c.known()
	f.columns(l)
	if !f.authorized(l.Message) {
		return false
	}
	if c == nil {
		if a.decided(l.ID) {
			return true
		}
		c = a.add(l, text, at)
	}
	a.names.keep(&c.facts, &f)
	if c.Stage != stageAuthorized {
		a.opening.remove(c)
		c.Stage, c.Decisive, c.Due = stageAuthorized, l.Time, l.Time+a.patient
		a.waiting.push(c)
	}
	return true
}

// ready is written by servers since 18, once a session is open. Of a server that writes nothing else it is the login.
func (a *Assembler) ready(l *Line, text *Text, page *logformat.Page) {
	c := a.open[l.ID]
	if c == nil {
		if a.decided(l.ID) {
			a.doubted.prove(l.ID)
			return
		}
		c = a.add(l, text, 0)
	}
	if c.Stage < stageAuthenticated {
		c.Decisive = l.Time
		f := c.facts
		f.columns(l)
		a.names.keep(&c.facts, &f)
	}
	a.succeed(c, text, page)
}

// disconnected is written by open sessions only, so it proves a login of which no verdict was told yet.
func (a *Assembler) disconnected(l *Line, text *Text, page *logformat.Page) bool {
	var f facts
	f.columns(l)
	duration, ok := f.disconnection(l.Message)
	if !ok {
		return false
	}
	if c := a.open[l.ID]; c != nil {
		if c.Stage >= stageAuthenticated {
			a.succeed(c, text, page)
		} else {
			a.drop(c)
		}
	}
	a.doubted.prove(l.ID)
	a.build.logout(l, &f, duration, page.Add())
	return true
}

// succeed tells a login that something proves.
func (a *Assembler) succeed(c *conn, text *Text, page *logformat.Page) {
	a.settled(c, text)
	a.build.login(c, session.OutcomeSuccess, page.Add())
	a.drop(c)
}

// settled remembers that a connection was decided in another text than it began in, which may be read once more.
func (a *Assembler) settled(c *conn, text *Text) {
	if c.text != text {
		a.elsewhere.add(remembered{ID: c.ID, Until: c.First + elsewhereFor})
	}
}
