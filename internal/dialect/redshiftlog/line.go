package redshiftlog

import (
	"errors"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// A line of connectionlog has its fields in the order of [Row], separated by pipes, which are neither quoted nor escaped:
// clusters of different age write 15 to 21 of them. Texts keep one trailing blank.
const (
	fieldEvent = iota
	fieldTime
	fieldHost
	fieldPort
	fieldPID
	fieldDatabase
	fieldUser
	fieldAuth
	fieldDuration
	fieldSSLVersion
	fieldSSLCipher
	fieldMTU
	fieldSSLCompression
	fieldSSLExpansion
	fieldIAMAuthGUID
	fieldApplication
	fieldOS // or the driver: clusters differ
	fieldDriver
	fieldPlugin
	fieldProtocol
	fieldSession
	mostFields

	leastFields = fieldIAMAuthGUID + 1
)

// maxPipes is how many pipes in names are told apart; a line with more is not one of connectionlog.
const maxPipes = 400

var (
	errTime   = errors.New("field 2 (recordtime) is not a time of the form Mon, 21 May 2018 05:20:10:123")
	errPID    = errors.New("field 5 (pid) is not a number")
	errFields = errors.New("fields 9 (duration) and 12 (mtu) are not numbers: not a line of connectionlog, or a torn one")
)

// line is a record cut at its pipes: field i is text[cuts[i]:cuts[i+1]-1].
type line struct {
	text   string
	cuts   []int
	padded bool // texts have a blank behind them: what has none is no field, but a piece of a name
}

func (l *line) cut(text string) {
	l.text = text
	l.cuts = append(l.cuts[:0], 0)
	for at := 0; len(l.cuts) <= maxPipes; {
		i := strings.IndexByte(text[at:], '|')
		if i < 0 {
			break
		}
		at += i + 1
		l.cuts = append(l.cuts, at)
	}
	l.cuts = append(l.cuts, len(text)+1)
}

func (l *line) count() int { return len(l.cuts) - 1 }

// isText tells whether field i can be a text of its own. The last one may have lost its blank, and so may one that fills its
// column; the narrowest of those that matter has 32 characters.
func (l *line) isText(i int) bool {
	raw := l.text[l.cuts[i] : l.cuts[i+1]-1]
	return !l.padded || i == l.count()-1 || len(raw) >= 32 || strings.HasSuffix(raw, " ")
}

// field gives fields i to j, pipes between them included: a name with pipes in it stands in one piece.
func (l *line) field(i, j int) string { return trim(l.text[l.cuts[i] : l.cuts[j+1]-1]) }

// row reads the record. sure is false where pipes in names leave more than one reading, or any.
func (l *line) row(text string, r *Row) (sure bool, err error) {
	l.cut(text)
	n := l.count()
	if n < leastFields || n > maxPipes {
		return false, fmt.Errorf("%d fields, of which connectionlog has %d to %d", n, leastFields, mostFields)
	}
	// What stands left of all names is certain.
	*r = Row{Event: l.field(fieldEvent, fieldEvent), RemoteHost: l.field(fieldHost, fieldHost), RemotePort: l.field(fieldPort, fieldPort)}
	var ok bool
	if r.Micros, ok = recordTime(l.field(fieldTime, fieldTime)); !ok {
		return false, errTime
	}
	if r.PID, ok = number(l.field(fieldPID, fieldPID)); !ok {
		return false, errPID
	}
	l.padded = strings.HasSuffix(text[:l.cuts[1]-1], " ")
	total, shift, readings := l.layout(r.Event == eventFailure)
	if readings == 0 && l.padded {
		l.padded = false
		total, shift, readings = l.layout(r.Event == eventFailure)
	}
	if readings == 0 {
		return false, errFields
	}
	l.fill(r, total, shift)
	return readings == 1 && n == total, nil
}

// layout finds how many fields the line has but for pipes in names, and by how many of those the fields behind the user's
// name are shifted: duration and mtu are numbers, and what stands around them has a form that can be told. Where a name is
// made to look like all that, the last reading counts in a failure, whose user need not exist and can be any text; the
// first one otherwise, since the application's name is then the only one that a client chose freely.
func (l *line) layout(failure bool) (total, shift, readings int) {
	n := l.count()
	for total = min(n, mostFields); total >= leastFields; total-- {
		if !l.endsAs(total) {
			continue
		}
		for s := 0; s <= n-total; s++ {
			if !l.fits(s) {
				continue
			}
			if readings++; readings == 1 || failure {
				shift = s
			}
		}
		if readings > 0 {
			return total, shift, readings
		}
	}
	return 0, 0, 0
}

// fits tells whether the fixed fields in the middle have their forms when they are shifted by so much.
func (l *line) fits(shift int) bool {
	at := func(i int) string { return l.field(i+shift, i+shift) }
	_, duration := number(at(fieldDuration))
	_, mtu := number(at(fieldMTU))
	if !duration || !mtu {
		return false
	}
	for _, i := range [...]int{fieldAuth, fieldSSLVersion, fieldSSLCipher, fieldSSLCompression, fieldSSLExpansion} {
		if !l.isText(i + shift) {
			return false
		}
	}
	version, guid := at(fieldSSLVersion), at(fieldIAMAuthGUID)
	return (version == "" || strings.HasPrefix(version, "TLS") || strings.HasPrefix(version, "SSL")) && (guid == "" || len(guid) == 36)
}

// endsAs tells whether the line's end can be that of a line with so many fields.
func (l *line) endsAs(total int) bool {
	last := l.count() - 1
	for i := fieldOS; i <= fieldPlugin && i < total; i++ {
		if !l.isText(i + l.count() - total) {
			return false
		}
	}
	switch total {
	case mostFields:
		session := l.field(last, last)
		_, protocol := number(l.field(last-1, last-1))
		return protocol && (session == "" || isGUID(session) || len(session) == 36)
	case mostFields - 1:
		_, protocol := number(l.field(last, last))
		return protocol
	case fieldOS + 1, fieldDriver + 1: // never seen: more likely an application's name with pipes
		tail := l.field(l.count()-total+fieldOS, last)
		return isOS(tail) || isDriver(tail)
	}
	return true
}

// fill takes the fields behind the pid, those behind the application's name counted from the right.
func (l *line) fill(r *Row, total, shift int) {
	more := l.count() - total
	at := func(i int) string { return l.field(i+shift, i+shift) }
	r.Database, r.User = l.field(fieldDatabase, fieldDatabase), l.field(fieldUser, fieldUser+shift)
	r.AuthMethod, r.SSLVersion, r.SSLCipher = at(fieldAuth), at(fieldSSLVersion), at(fieldSSLCipher)
	r.Duration, _ = number(at(fieldDuration)) // fits has seen that they are numbers
	r.MTU, _ = number(at(fieldMTU))
	r.SSLCompression, r.SSLExpansion, r.IAMAuthGUID = at(fieldSSLCompression), at(fieldSSLExpansion), at(fieldIAMAuthGUID)
	tail := func(i int) string {
		if i >= total {
			return ""
		}
		return l.field(i+more, i+more)
	}
	if total > fieldApplication {
		r.ApplicationName = l.field(fieldApplication+shift, fieldApplication+more)
	}
	r.OSVersion, r.DriverVersion = tail(fieldOS), tail(fieldDriver)
	if isDriver(r.OSVersion) && !isDriver(r.DriverVersion) || isOS(r.DriverVersion) && !isOS(r.OSVersion) {
		r.OSVersion, r.DriverVersion = r.DriverVersion, r.OSVersion
	}
	r.PluginName, r.SessionID = tail(fieldPlugin), tail(fieldSession)
	r.ProtocolVersion, _ = number(tail(fieldProtocol))
}

func isDriver(s string) bool {
	return strings.Contains(s, "Driver") || strings.Contains(s, "JDBC") || strings.Contains(s, "ODBC") || strings.Contains(s, "libpq") ||
		strings.Contains(s, "connector")
}

func isOS(s string) bool {
	for _, name := range [...]string{"Linux", "Windows", "Mac", "Darwin"} {
		if strings.HasPrefix(s, name) {
			return true
		}
	}
	return false
}

// number reads a whole number; STL's duration of 32 bits may have run over.
func number(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	n, ok := localtime.Digits(digits)
	if len(digits) < len(s) {
		n = -n
	}
	return n, ok && digits != ""
}

const weekdays = "MonTueWedThuFriSatSun"

// recordTime reads "Mon, 21 May 2018 05:20:10:123", which is UTC, in microseconds. Before the milliseconds stands a colon.
func recordTime(s string) (micros int64, ok bool) {
	if len(s) != 29 || strings.Index(weekdays, s[:3])%3 != 0 || s[3:5] != ", " || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[25] != ':' {
		return 0, false
	}
	date, ok1 := localtime.Digits(strings.TrimPrefix(s[5:7], " "))
	year, ok2 := localtime.Digits(s[12:16])
	millis, ok3 := localtime.Digits(s[26:29])
	seconds, ok4 := localtime.At(year, localtime.Month(s[8:11]), date, s[17:25])
	_, err := localtime.Nanos(seconds, 0)
	return seconds*1e6 + millis*1000, ok1 && ok2 && ok3 && ok4 && err == nil
}
