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
	maxFieldCount

	minFieldCount = fieldIAMAuthGUID + 1
)

// maxFieldsWithPipes is the most fields of a line whose names have pipes; one with more is not from connectionlog.
const maxFieldsWithPipes = 400

var (
	errTime   = errors.New("field 2 (recordtime) is not a time of the form Mon, 21 May 2018 05:20:10:123")
	errPID    = errors.New("field 5 (pid) is not a number")
	errFields = errors.New("fields 9 (duration) and 12 (mtu) are not numbers: not a line of connectionlog, or a torn one")
)

// recordLine is a record split at its pipes: field i is text[fieldStarts[i]:fieldStarts[i+1]-1].
type recordLine struct {
	text           string
	fieldStarts    []int
	textsArePadded bool // texts end with a blank: what has none is no field, but a part of a name
}

func (l *recordLine) splitFields(text string) {
	l.text = text
	l.fieldStarts = append(l.fieldStarts[:0], 0)
	for at := 0; len(l.fieldStarts) <= maxFieldsWithPipes; {
		i := strings.IndexByte(text[at:], '|')
		if i < 0 {
			break
		}
		at += i + 1
		l.fieldStarts = append(l.fieldStarts, at)
	}
	l.fieldStarts = append(l.fieldStarts, len(text)+1)
}

func (l *recordLine) fieldCount() int { return len(l.fieldStarts) - 1 }

// canBeWholeText says whether field i can be a whole text. The last one may have lost its blank, and so may one that fills its
// column; the narrowest of those that matter has 32 characters.
func (l *recordLine) canBeWholeText(i int) bool {
	raw := l.text[l.fieldStarts[i] : l.fieldStarts[i+1]-1]
	return !l.textsArePadded || i == l.fieldCount()-1 || len(raw) >= 32 || strings.HasSuffix(raw, " ")
}

// joinedField returns fields i to j with the pipes between them, as for a name with pipes.
func (l *recordLine) joinedField(i, j int) string {
	return trimPadding(l.text[l.fieldStarts[i] : l.fieldStarts[j+1]-1])
}

func (l *recordLine) readRecordRow(text string, r *Row) (sure bool, err error) {
	l.splitFields(text)
	n := l.fieldCount()
	if n < minFieldCount || n > maxFieldsWithPipes {
		return false, fmt.Errorf("%d fields, of which connectionlog has %d to %d", n, minFieldCount, maxFieldCount)
	}
	// Fields before the names are certain.
	*r = Row{Event: l.joinedField(fieldEvent, fieldEvent), RemoteHost: l.joinedField(fieldHost, fieldHost), RemotePort: l.joinedField(fieldPort, fieldPort)}
	var ok bool
	if r.Micros, ok = parseRecordTime(l.joinedField(fieldTime, fieldTime)); !ok {
		return false, errTime
	}
	if r.PID, ok = parseNumber(l.joinedField(fieldPID, fieldPID)); !ok {
		return false, errPID
	}
	l.textsArePadded = strings.HasSuffix(text[:l.fieldStarts[1]-1], " ")
	total, shift, readings := l.findLayout(r.Event == eventFailure)
	if readings == 0 && l.textsArePadded {
		l.textsArePadded = false
		total, shift, readings = l.findLayout(r.Event == eventFailure)
	}
	if readings == 0 {
		return false, errFields
	}
	l.fillRowFields(r, total, shift)
	return readings == 1 && n == total, nil
}

// findLayout finds how many fields the line has without pipes in names, and by how many of those the fields after the user's name are
// shifted: duration and mtu are numbers, and the fields around them have known forms. Where a name is forged to look like them, the
// last reading counts in a failure, whose user need not exist and can be any text; the first one otherwise, since a client then
// chooses only the application's name freely.
func (l *recordLine) findLayout(failure bool) (total, shift, readings int) {
	n := l.fieldCount()
	for total = min(n, maxFieldCount); total >= minFieldCount; total-- {
		if !l.lastFieldsFit(total) {
			continue
		}
		for s := 0; s <= n-total; s++ {
			if !l.middleFieldsFit(s) {
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

func (l *recordLine) middleFieldsFit(shift int) bool {
	at := func(i int) string { return l.joinedField(i+shift, i+shift) }
	_, duration := parseNumber(at(fieldDuration))
	_, mtu := parseNumber(at(fieldMTU))
	if !duration || !mtu {
		return false
	}
	for _, i := range [...]int{fieldAuth, fieldSSLVersion, fieldSSLCipher, fieldSSLCompression, fieldSSLExpansion} {
		if !l.canBeWholeText(i + shift) {
			return false
		}
	}
	version, guid := at(fieldSSLVersion), at(fieldIAMAuthGUID)
	return (version == "" || strings.HasPrefix(version, "TLS") || strings.HasPrefix(version, "SSL")) && (guid == "" || len(guid) == 36)
}

func (l *recordLine) lastFieldsFit(total int) bool {
	last := l.fieldCount() - 1
	for i := fieldOS; i <= fieldPlugin && i < total; i++ {
		if !l.canBeWholeText(i + l.fieldCount() - total) {
			return false
		}
	}
	switch total {
	case maxFieldCount:
		session := l.joinedField(last, last)
		_, protocol := parseNumber(l.joinedField(last-1, last-1))
		return protocol && (session == "" || isNonZeroGUID(session) || len(session) == 36)
	case maxFieldCount - 1:
		_, protocol := parseNumber(l.joinedField(last, last))
		return protocol
	case fieldOS + 1, fieldDriver + 1: // never seen: more likely an application's name with pipes
		tail := l.joinedField(l.fieldCount()-total+fieldOS, last)
		return looksLikeOS(tail) || looksLikeDriver(tail)
	}
	return true
}

func (l *recordLine) fillRowFields(r *Row, total, shift int) {
	more := l.fieldCount() - total
	at := func(i int) string { return l.joinedField(i+shift, i+shift) }
	r.Database, r.User = l.joinedField(fieldDatabase, fieldDatabase), l.joinedField(fieldUser, fieldUser+shift)
	r.AuthMethod, r.SSLVersion, r.SSLCipher = at(fieldAuth), at(fieldSSLVersion), at(fieldSSLCipher)
	r.Duration, _ = parseNumber(at(fieldDuration)) // middleFieldsFit has checked that they are numbers
	r.MTU, _ = parseNumber(at(fieldMTU))
	r.SSLCompression, r.SSLExpansion, r.IAMAuthGUID = at(fieldSSLCompression), at(fieldSSLExpansion), at(fieldIAMAuthGUID)
	tail := func(i int) string {
		if i >= total {
			return ""
		}
		return l.joinedField(i+more, i+more)
	}
	if total > fieldApplication {
		r.ApplicationName = l.joinedField(fieldApplication+shift, fieldApplication+more)
	}
	r.OSVersion, r.DriverVersion = tail(fieldOS), tail(fieldDriver)
	if looksLikeDriver(r.OSVersion) && !looksLikeDriver(r.DriverVersion) || looksLikeOS(r.DriverVersion) && !looksLikeOS(r.OSVersion) {
		r.OSVersion, r.DriverVersion = r.DriverVersion, r.OSVersion
	}
	r.PluginName, r.SessionID = tail(fieldPlugin), tail(fieldSession)
	r.ProtocolVersion, _ = parseNumber(tail(fieldProtocol))
}

func looksLikeDriver(s string) bool {
	return strings.Contains(s, "Driver") || strings.Contains(s, "JDBC") || strings.Contains(s, "ODBC") || strings.Contains(s, "libpq") ||
		strings.Contains(s, "connector")
}

func looksLikeOS(s string) bool {
	for _, name := range [...]string{"Linux", "Windows", "Mac", "Darwin"} {
		if strings.HasPrefix(s, name) {
			return true
		}
	}
	return false
}

// parseNumber accepts negative numbers: STL's duration of 32 bits may have overflowed.
func parseNumber(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	n, ok := localtime.ParseDigits(digits)
	if len(digits) < len(s) {
		n = -n
	}
	return n, ok && digits != ""
}

const weekdayNames = "MonTueWedThuFriSatSun"

// parseRecordTime reads "Mon, 21 May 2018 05:20:10:123", which is UTC, in microseconds. Before the milliseconds is a colon.
func parseRecordTime(s string) (micros int64, ok bool) {
	if len(s) != 29 || strings.Index(weekdayNames, s[:3])%3 != 0 || s[3:5] != ", " || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' || s[25] != ':' {
		return 0, false
	}
	millis, ok1 := localtime.ParseDigits(s[26:29])
	seconds, ok2 := localtime.ParseLocal("_2 Jan 2006 15:04:05", s[5:25])
	_, err := localtime.UnixNanos(seconds, 0)
	return seconds*1e6 + millis*1000, ok1 && ok2 && err == nil
}
