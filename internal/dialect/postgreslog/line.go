// Package postgreslog reads the lines about connections in PostgreSQL's server log, in jsonlog, csvlog and stderr format, and
// makes of the lines of each connection one login and one logout. Whether the lines came out of files or over SQL, and in
// which of the formats, the same connection gives the same records with the same ids.
package postgreslog

import (
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// Line is one message of the server, with what concerns connections. Texts may be parts of the record.
type Line struct {
	Time        int64 // nanoseconds since 1970 UTC
	ID          BackendID
	SessionID   string // %c as written
	User        string
	Database    string
	Host        string // of the client; [local] of a socket
	Port        int32
	Application string
	Activity    string // the process title's last part, %i: authentication, startup, idle
	Severity    Severity
	SQLState    string // empty where the format does not say
	Message     string
	Detail      string
	// Continues: a DETAIL of this message may follow in a line of its own.
	Continues bool
}

// BackendID is %c: the second when a backend started, and its pid. Start is [NoStart] where log_line_prefix has neither %c nor %s:
// then only the pid ties the lines of a connection together.
type BackendID struct {
	Start int64
	PID   int64
}

// NoStart is an unknown second.
const NoStart = -1

func parseBackendID(s string) (id BackendID, ok bool) {
	start, pid, found := strings.Cut(s, ".")
	if !found {
		return BackendID{}, false
	}
	var ok1, ok2 bool
	id.Start, ok1 = parseHexNumber(start)
	id.PID, ok2 = parseHexNumber(pid)
	return id, ok1 && ok2
}

// parseHexNumber accepts only the form of %x: an id has one spelling.
func parseHexNumber(s string) (n int64, ok bool) {
	if s == "" || len(s) > 15 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n = n<<4 | int64(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | int64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// String is %c, or nothing when the start is unknown.
func (id BackendID) String() string {
	if id.Start == NoStart {
		return ""
	}
	return strconv.FormatInt(id.Start, 16) + "." + strconv.FormatInt(id.PID, 16)
}

// Severity is that of a message, or the keyword of a line that continues one.
type Severity uint8

// The severities. A server of another language writes words that are none of these.
const (
	SeverityUnknown Severity = iota
	SeverityLog              // and all others that end nothing
	SeverityError
	SeverityFatal // and PANIC
	SeverityDetail
	SeverityMore // HINT, CONTEXT, STATEMENT, QUERY, LOCATION, BACKTRACE
)

func parseSeverity(s string) Severity {
	switch s {
	case "LOG", "INFO", "NOTICE", "WARNING", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5":
		return SeverityLog
	case "ERROR":
		return SeverityError
	case "FATAL", "PANIC":
		return SeverityFatal
	case "DETAIL":
		return SeverityDetail
	case "HINT", "CONTEXT", "STATEMENT", "QUERY", "LOCATION", "BACKTRACE":
		return SeverityMore
	}
	return SeverityUnknown
}

func parseTimestamp(clock *localtime.Clock, s string) (nanos int64, err error) {
	if len(s) < 20 {
		return 0, errTime
	}
	local, ok := localtime.ParseCivil(s[:19])
	fraction, abbr, ok2 := localtime.ParseFraction(s[19:])
	if !ok || !ok2 || len(abbr) < 2 || abbr[0] != ' ' || strings.ContainsRune(abbr[1:], ' ') {
		return 0, errTime
	}
	unix, err := clock.UnixOfAbbreviation(local, abbr[1:])
	if err != nil {
		return 0, err
	}
	return localtime.UnixNanos(unix, fraction)
}
