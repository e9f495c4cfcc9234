package postgreslog

import (
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// connectionWatch detects a server that logs no connections, whose logins are then missing.
type connectionWatch struct {
	conditions         logformat.Conditions // nil: not reported
	once               bool                 // the log is read once and not followed
	firstTime          int64                // time of the first line that was read
	readyTime          int64                // time of the last line "ready to accept connections", 0 before one
	lastConnectionLine int64                // time of the last line that log_connections makes the server write, 0 before one
	raisedMessage      string               // the last one
	formats            []formatSpan         // those whose texts have lines about connections
}

const (
	conditionConnections = "log_connections"

	remedyConnections = "set log_connections = on on the server, in 18 and later = 'all', and log_disconnections = on, and reload it: " +
		"ALTER SYSTEM SET log_connections = on; ALTER SYSTEM SET log_disconnections = on; SELECT pg_reload_conf()"
	connectionsMissing = "the log has sessions but not the lines of how they were opened, so logins are missing: log_connections is off (or, in 18, has no 'receipt'): " + remedyConnections
	connectionsAbsent  = "the log has had no line about a connection so far: if clients do connect, log_connections is off: " + remedyConnections
	connectionsFound   = "the log has lines of connections"
)

// connectionLineTimeout is how long a log may have no line of a connection before that is reported.
const connectionLineTimeout = 2 * time.Minute

func (w *connectionWatch) noteWatchedLine(l *Line, kind messageKind, refused bool) {
	if w.conditions == nil {
		return
	}
	if w.firstTime == 0 {
		w.firstTime = l.Time
	}
	switch kind {
	case msgReceived, msgAuthenticated, msgAuthorized, msgReady:
		w.lastConnectionLine = max(w.lastConnectionLine, l.Time)
		if w.raisedMessage != "" {
			w.raisedMessage = ""
			w.conditions.Clear(conditionConnections, connectionsFound)
		}
		return
	case msgOther:
		if strings.HasPrefix(l.Message, "database system is ready to accept ") {
			w.readyTime = l.Time
			return
		}
	case msgError, msgDisconnection, msgFatal:
	}
	if w.provesMissing(l, kind, refused) {
		w.raiseCondition(connectionsMissing)
	}
}

// provesMissing is true for a line of a session that began after all lines about connections, within the log that was read: after the
// server's start, or in a known second. A refusal alone proves nothing where others were let in: 18 may be configured to log only
// these.
func (w *connectionWatch) provesMissing(l *Line, kind messageKind, refused bool) bool {
	ofClient := l.Host != "" || knownOrEmpty(l.User) != "" || kind == msgDisconnection || refused
	switch {
	case ofClient && w.readyTime != 0 && w.readyTime > w.lastConnectionLine && (kind != msgFatal || refused):
		return true
	case !ofClient || kind == msgFatal && (!refused || w.lastConnectionLine != 0):
		return false
	case l.ID.Start == NoStart:
		return refused && l.Time > w.firstTime+int64(authenticationTimeout)
	}
	start := l.ID.Start * 1e9
	return start > w.firstTime && start > w.lastConnectionLine
}

func (w *connectionWatch) checkAtEnd(now int64) {
	switch {
	case w.conditions == nil || w.firstTime == 0:
	case w.raisedMessage != "":
		w.raiseCondition(w.raisedMessage)
	case w.lastConnectionLine == 0 && (w.once || now > addDuration(w.firstTime, connectionLineTimeout)):
		w.raiseCondition(connectionsAbsent)
	}
}

func (w *connectionWatch) raiseCondition(message string) {
	w.raisedMessage = message
	w.conditions.Raise(conditionConnections, message)
}

// formatSpan is from when to when the texts of a format have lines about connections.
type formatSpan struct {
	name        string
	first, last int64
}

const (
	conditionFormats = "log_formats"
	formatsOverlap   = "%s and %s of one PostgreSQL are both read, and tell each login once more: write only the files of one of them under include, as *.json, or leave one out of log_destination"
)

// noteFormat detects a server that writes its log in several formats at once.
func (w *connectionWatch) noteFormat(name string, l *Line) {
	if w.conditions == nil || classifyMessage(l.Severity, l.Message) != msgReceived {
		return
	}
	var own *formatSpan
	for i := range w.formats {
		if w.formats[i].name == name {
			own = &w.formats[i]
		}
	}
	if own == nil {
		w.formats = append(w.formats, formatSpan{name, l.Time, l.Time})
		own = &w.formats[len(w.formats)-1]
	}
	own.first, own.last = min(own.first, l.Time), max(own.last, l.Time)
	for _, other := range w.formats {
		if other.name != name && other.first <= own.last && own.first <= other.last {
			w.conditions.Raise(conditionFormats, fmt.Sprintf(formatsOverlap, other.name, name))
		}
	}
}
