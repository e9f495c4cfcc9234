package postgreslog

import (
	"container/list"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Assembler makes logins and logouts from the lines of connections. It is a pure state machine: its events depend on the lines and
// their times alone, and its state can be saved. Several texts may feed it. A connection is received, authenticated and authorized,
// and even then it may be refused (an unknown database, a limit). Its login is proved by a line that only an open session writes, or
// else by the absence of a refusal for a time. A refusal after that is delivered as a correction.
type Assembler struct {
	builder     eventBuilder
	interner    textInterner
	decideAfter int64 // nanoseconds that an authorized connection is held back

	currentText  *TextState // of the current line; nil while time decides
	lastLineTime int64      // the time of the last line: what the log itself takes for now

	open            map[BackendID]*undecidedConn
	unauthorized    list.List // no verdict of the server's yet, by the time of their first lines
	authorizedQueue list.List // authorized, by the time of that
	refusedQueue    list.List // whose DETAIL may be the next line

	unproven decidedConns // logins delivered without proof
	decided  decidedConns // connections that were decided by something else than a line of the text they began in
	watch    connectionWatch
}

const (
	// DefaultDecideAfter is how long no refusal must follow for a login to count. The server needs milliseconds.
	DefaultDecideAfter = 10 * time.Second
	// authenticationTimeout is how long a connection may take to authenticate: authentication_timeout is a minute.
	authenticationTimeout = 70 * time.Second
	// detailTimeout is how long after a refusal its DETAIL is waited for: the server writes both at once.
	detailTimeout = time.Second
	// maxOpen bounds the connections without verdict; a flood has its first ones decided early.
	maxOpen = 1 << 16
)

// NewAssembler makes one for the server of this stable name.
func NewAssembler(instance string, decideAfter time.Duration) *Assembler {
	if decideAfter <= 0 {
		decideAfter = DefaultDecideAfter
	}
	return &Assembler{
		builder: eventBuilder{instance: instance}, decideAfter: int64(decideAfter), open: map[BackendID]*undecidedConn{},
		unproven: newDecidedConns(maxUnproven), decided: newDecidedConns(maxDecided),
	}
}

// TextState is one of the texts that feed an assembler: a file, a stream.
type TextState struct{ undecided []firstLine }

// firstLine is the first line of a connection. That may be decided by now, and its memory reused.
type firstLine struct {
	conn   *undecidedConn
	offset int64
}

// AddLine takes the next line, at this offset of its text, and adds the events that it decides. It returns false when the
// line is one of those about connections and cannot be read.
func (a *Assembler) AddLine(l *Line, text *TextState, at int64, batch *logformat.EventBatch) bool {
	a.builder.currentLine, a.currentText, a.lastLineTime = l, text, l.Time
	defer func() { a.builder.currentLine, a.currentText = nil, nil }()
	if a.handleDetail(l, batch) {
		return true
	}
	a.flushDueConnections(l.Time, batch)
	kind := classifyMessage(l.Severity, l.Message)
	a.watch.noteWatchedLine(l, kind, kind == msgFatal && a.open[l.ID] == nil && refusesLogin(l))
	switch kind {
	case msgReceived:
		return a.handleReceived(l, at, batch)
	case msgAuthenticated:
		return a.handleAuthenticated(l, at)
	case msgAuthorized:
		return a.handleAuthorized(l, at)
	case msgReady:
		a.handleReady(l, at, batch)
	case msgDisconnection:
		return a.handleDisconnection(l, batch)
	case msgFatal:
		a.handleFatal(l, at, batch)
	case msgError:
		if c := a.findConnection(l); c != nil && c.Stage == stageAuthorized {
			a.emitSuccess(c, batch) // an error before the session is open would be FATAL
		}
	case msgOther:
	}
	return true
}

// LogTime is the time of the last line, 0 before the first.
func (a *Assembler) LogTime() int64 { return a.lastLineTime }

// FlushDue adds the events that are due at this time of the log's clock (nanoseconds since 1970 UTC).
func (a *Assembler) FlushDue(now int64, batch *logformat.EventBatch) {
	a.flushDueConnections(now, batch)
	a.watch.checkAtEnd(now)
}

// flushDueConnections must decide the same when the same line is read again after a restart.
func (a *Assembler) flushDueConnections(now int64, batch *logformat.EventBatch) {
	for c := a.firstDueConnection(&a.refusedQueue, now); c != nil; c = a.firstDueConnection(&a.refusedQueue, now) {
		a.emitFailure(c, batch)
	}
	for c := a.firstDueConnection(&a.unauthorized, now); c != nil; c = a.firstDueConnection(&a.unauthorized, now) {
		if c.Stage == stageAuthenticated {
			a.emitLoginEvent(c, session.OutcomeUnknown, batch)
		} else {
			a.removeConnection(c)
		}
	}
	for c := a.firstDueConnection(&a.authorizedQueue, now); c != nil; c = a.firstDueConnection(&a.authorizedQueue, now) {
		a.unproven.addConnection(decidedConn{ID: c.ID, VerdictTime: c.VerdictTime, Stage: c.Stage, Login: c.VerdictTime, Until: addDuration(now, unprovenRetention)})
		a.emitLoginEvent(c, session.OutcomeSuccess, batch)
	}
	a.unproven.removeExpired(now)
	a.decided.removeExpired(now)
}

// FirstUndecided is the place of the first line of this text that belongs to a connection without verdict.
func (a *Assembler) FirstUndecided(text *TextState) (at int64, any bool) {
	for len(text.undecided) > 0 {
		first := text.undecided[0]
		if c := first.conn; a.open[c.ID] == c && c.text == text && c.offset == first.offset {
			return first.offset, true
		}
		text.undecided = text.undecided[1:]
	}
	text.undecided = nil
	return 0, false
}
