package postgreslog

import (
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// connectionWatch notices a server that writes no lines of who connects: then none of its logins is told.
type connectionWatch struct {
	conditions logformat.Conditions // nil where nobody wants to know
	once       bool                 // what there is of the log is all that will be read
	first      int64                // time of the first line that was read
	ready      int64                // time of the last line that says that the server takes connections, 0 before one
	seen       int64                // time of the last line that log_connections makes the server write, 0 before one
	raised     string               // what was said of it last
}

const (
	conditionConnections = "log_connections"

	remedyConnections = "set log_connections = on on the server, in 18 and later = 'all', and log_disconnections = on, and reload it: " +
		"ALTER SYSTEM SET log_connections = on; ALTER SYSTEM SET log_disconnections = on; SELECT pg_reload_conf()"
	connectionsMissing = "the log tells of sessions but not of how they were opened, so logins are missing: log_connections is off (or, in 18, has no 'receipt'): " + remedyConnections
	connectionsAbsent  = "the log has had no line about a connection so far: if clients do connect, log_connections is off: " + remedyConnections
	connectionsFound   = "the log tells of connections"
)

// absentFor is how long a log may have no line of a connection before that is worth a word.
const absentFor = 2 * time.Minute

// add looks at a line. refused says that it turns away a connection of which no other line is known.
func (w *connectionWatch) add(l *Line, kind message, refused bool) {
	if w.conditions == nil {
		return
	}
	if w.first == 0 {
		w.first = l.Time
	}
	switch kind {
	case msgReceived, msgAuthenticated, msgAuthorized, msgReady:
		w.seen = max(w.seen, l.Time)
		if w.raised != "" {
			w.raised = ""
			w.conditions.Clear(conditionConnections, connectionsFound)
		}
		return
	case msgOther:
		if strings.HasPrefix(l.Message, "database system is ready to accept ") {
			w.ready = l.Time
			return
		}
	case msgError, msgDisconnection, msgFatal:
	}
	if w.proves(l, kind, refused) {
		w.raise(connectionsMissing)
	}
}

// proves tells whether the line is of a session that began after all lines about connections, within the log that was read: after the
// server's own start, or in a second that is known. A refusal alone proves nothing where others were let in: in 18 the server may be
// told to write of these only.
func (w *connectionWatch) proves(l *Line, kind message, refused bool) bool {
	ofClient := l.Host != "" || known(l.User) != "" || kind == msgDisconnection || refused
	switch {
	case ofClient && w.ready != 0 && w.ready > w.seen && (kind != msgFatal || refused):
		return true
	case !ofClient || kind == msgFatal && (!refused || w.seen != 0):
		return false
	case l.ID.Start == NoStart:
		return refused && l.Time > w.first+int64(givenUp)
	}
	start := l.ID.Start * 1e9
	return start > w.first && start > w.seen
}

// checkAtEnd looks at a log to whose end all was read.
func (w *connectionWatch) checkAtEnd(now int64) {
	switch {
	case w.conditions == nil || w.first == 0:
	case w.raised != "":
		w.raise(w.raised)
	case w.seen == 0 && (w.once || now > until(w.first, absentFor)):
		w.raise(connectionsAbsent)
	}
}

func (w *connectionWatch) raise(message string) {
	w.raised = message
	w.conditions.Raise(conditionConnections, message)
}
