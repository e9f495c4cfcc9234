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

	reading *Text // whose line is at hand; nil while time alone decides
	clock   int64 // the time of the last line: what the log itself takes for now

	open    map[BackendID]*conn
	opening queue // no verdict of the server's yet, by the time of their first lines
	waiting queue // authorized, by the time of that
	refused queue // whose DETAIL may be the next line
	free    []*conn

	doubted memory // logins told without proof
	decided memory // connections that were decided by something else than a line of the text they began in
	watch   connectionWatch
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
	return &Assembler{
		build: newBuilder(instance), patient: int64(decideAfter), open: map[BackendID]*conn{},
		doubted: memory{most: maxDoubted}, decided: memory{most: maxDecided},
	}
}

// Text is one of the texts that feed an assembler: a file, a stream. Its address is its identity.
type Text struct{ undecided []beginning }

// beginning is the first line of a connection. The connection may be decided, and its memory that of another by now.
type beginning struct {
	conn *conn
	at   int64
}

// Add takes the next line, which stands at this place of its text, and tells what it decides. It returns false when the
// line is one of those about connections and cannot be read.
func (a *Assembler) Add(l *Line, text *Text, at int64, batch *logformat.EventBatch) bool {
	a.build.line, a.reading, a.clock = l, text, l.Time
	defer a.putDown()
	if a.detail(l, batch) {
		return true
	}
	a.flushDueConnections(l.Time, batch)
	kind := classify(l.Severity, l.Message)
	a.watch.add(l, kind, kind == msgFatal && a.open[l.ID] == nil && refuses(l))
	switch kind {
	case msgReceived:
		return a.received(l, at, batch)
	case msgAuthenticated:
		return a.authenticated(l, at)
	case msgAuthorized:
		return a.authorized(l, at)
	case msgReady:
		a.ready(l, at, batch)
	case msgDisconnection:
		return a.disconnected(l, batch)
	case msgFatal:
		a.fatal(l, at, batch)
	case msgError:
		if c := a.of(l); c != nil && c.Stage == stageAuthorized {
			a.succeed(c, batch) // an error before the session is open would be FATAL
		}
	case msgOther:
	}
	return true
}

// putDown ends the work on a line: time alone has none.
func (a *Assembler) putDown() { a.build.line, a.reading = nil, nil }

// LogTime is the time of the last line, 0 before the first.
func (a *Assembler) LogTime() int64 { return a.clock }

// FlushDue gives what is decided because the log's clock stands there (nanoseconds since 1970 UTC) and nothing more came.
func (a *Assembler) FlushDue(now int64, batch *logformat.EventBatch) {
	a.flushDueConnections(now, batch)
	a.watch.checkAtEnd(now)
}

// flushDueConnections decides by time. What a line's time decides, the same line decides after a restart, if it is read again at all.
func (a *Assembler) flushDueConnections(now int64, batch *logformat.EventBatch) {
	for c := a.refused.first; c != nil && now >= c.Due; c = a.refused.first {
		a.fail(c, batch)
	}
	for c := a.opening.first; c != nil && a.due(c, now); c = a.opening.first {
		if c.Stage == stageAuthenticated {
			a.login(c, session.OutcomeUnknown, batch)
		} else {
			a.drop(c)
		}
	}
	for c := a.waiting.first; c != nil && a.due(c, now); c = a.waiting.first {
		a.doubted.add(remembered{ID: c.ID, At: c.Decisive, Stage: c.Stage, Login: c.Decisive, Until: until(now, doubtedFor)})
		a.login(c, session.OutcomeSuccess, batch)
	}
	a.doubted.expire(now)
	a.decided.expire(now)
}

func (a *Assembler) due(c *conn, now int64) bool { return now >= c.Due || len(a.open) > maxOpen }

// Undecided is the place of the first line of this text that belongs to a connection without verdict.
func (a *Assembler) Undecided(text *Text) (at int64, any bool) {
	for len(text.undecided) > 0 {
		first := text.undecided[0]
		if c := first.conn; a.open[c.ID] == c && c.text == text && c.at == first.at {
			return first.at, true
		}
		text.undecided = text.undecided[1:]
	}
	text.undecided = nil
	return 0, false
}
