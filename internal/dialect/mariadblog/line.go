// Package mariadblog reads the logins, failures and logouts in the audit log of MariaDB's plugin server_audit, also as Amazon
// Aurora and RDS for MySQL write it.
package mariadblog

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// A record is timestamp,serverhost,username,host,connectionid,queryid,operation,database,object,retcode. RDS adds the
// connection's type, Enterprise Server 12.3 the version of TLS, which is empty without TLS. Nothing is quoted but the text of a query, so a name with commas and line ends in it is written as it is:
// what surrounds it is read from both ends.
type auditRecord struct {
	time           int64 // nanoseconds since 1970 UTC
	timeIsEpoch    bool  // the time was one of Aurora's
	serverHost     string
	user           string
	host           string
	port           int32
	connection     int64
	operation      string
	database       string
	code           string
	connectionType string // SSL, SOCKET, TCP
	tls            string // TLSv1.3
	proxy          string // of PROXY_CONNECT: the account that the client acts as
	withoutTLS     bool
}

// The operations that concern connections. The plugin's code says CHANGEUSER.
const (
	opConnect        = "CONNECT"
	opFailed         = "FAILED_CONNECT"
	opDisconnect     = "DISCONNECT"
	opChangeUser     = "CHANGEUSER"
	opChangeUserLong = "CHANGE_USER"
	opProxy          = "PROXY_CONNECT"
)

var connectionOperations = [...]string{opConnect, opFailed, opDisconnect, opChangeUser, opChangeUserLong, opProxy}

var (
	errTime = errors.New("not a time that server_audit writes: 20261121 22:01:32, or microseconds since 1970")
	errLine = errors.New("not a record of server_audit, or a torn one")
)

// recordTail is the end of a record, from the user's host on.
type recordTail struct {
	hostStart                                                             int // of the host, in the record
	host, connectionID, operation, database, object, code, connectionType string
	tls                                                                   string
	withoutTLS                                                            bool // the field for the version of TLS is there, and empty
}

// readRecordTail reads a record from its end. concern is false for other operations; ok is false for a text without the end of a record.
func readRecordTail(s string) (t recordTail, concern, ok bool) {
	rest, code, found := logformat.CutLast(s, ",")
	if !found {
		return t, false, false
	}
	for range maxAddedFields {
		before, previous, found := logformat.CutLast(rest, ",")
		if !found || isDecimalNumber(code) || code == "" && !isDecimalNumber(previous) && !isAddedField(previous) {
			break
		}
		t.setAddedField(code)
		rest, code = before, previous
	}
	t.code = code
	rest, object, found := logformat.CutLast(rest, ",")
	if !found || !isDecimalNumber(code) && code != "" {
		return t, false, false
	}
	if isTLSVersion(object) { // MariaDB 12.0.1 and later; Enterprise Server appends it
		t.tls, object = object, ""
	}
	if t.object = object; code == "" || object != "" && object[len(object)-1] != '`' {
		return t, false, isOtherOperation(s)
	}
	return t.readConnection(rest)
}

// maxAddedFields is how many fields may follow the code: the connection's type and the version of TLS.
const maxAddedFields = 2

func isAddedField(s string) bool {
	return isTLSVersion(s) || s == "SSL" || s == "SOCKET" || strings.HasPrefix(s, "TCP")
}

func isTLSVersion(s string) bool { return strings.HasPrefix(s, "TLSv") || strings.HasPrefix(s, "SSLv") }

func (t *recordTail) setAddedField(field string) {
	switch {
	case isTLSVersion(field):
		t.tls = field
	case field != "":
		t.connectionType = field
	default:
		t.withoutTLS = true
	}
}

func (t recordTail) readConnection(rest string) (recordTail, bool, bool) {
	at := -1
	// Backwards from the database, the last field that can hold a comma.
	for _, op := range connectionOperations {
		if i := lastFieldPlace(rest, op); i > at {
			at, t.operation, t.database = i, op, rest[i+len(op)+2:]
		}
	}
	if at < 0 || (t.operation == opProxy) != (t.object != "") {
		return t, false, isOtherOperation(rest)
	}
	rest, query, ok1 := logformat.CutLast(rest[:at], ",")
	rest, id, ok2 := logformat.CutLast(rest, ",")
	_, host, ok3 := logformat.CutLast(rest, ",")
	t.connectionID, t.host, t.hostStart = id, host, len(rest)-len(host)
	return t, true, ok1 && ok2 && ok3 && isDecimalNumber(query) && isDecimalNumber(id)
}

func lastFieldPlace(s, field string) int {
	for end := len(s); ; {
		i := strings.LastIndex(s[:end], field)
		switch {
		case i < 1:
			return -1
		case s[i-1] == ',' && i+len(field) < len(s) && s[i+len(field)] == ',':
			return i - 1
		}
		end = i + len(field) - 1
	}
}

// isOtherOperation is true for records of queries and tables, whose operation follows two numbers. A torn record of a connection is
// not one of them.
func isOtherOperation(s string) bool {
	numbers := 0
	for field := range strings.SplitSeq(s, ",") {
		if numbers >= 2 && field != "" && strings.Trim(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" {
			return !slices.Contains(connectionOperations[:], field)
		}
		if numbers++; !isDecimalNumber(field) {
			numbers = 0
		}
	}
	return false
}

func isDecimalNumber(s string) bool {
	_, ok := localtime.ParseDigits(s)
	return ok && s != ""
}

func splitAddress(s string) (host string, port int32) {
	before, after, found := logformat.CutLast(s, ":")
	switch {
	case !found:
		return s, 0
	// As servers since 12.0 write over a socket.
	case after == "unavailable":
		return strings.Trim(before, "[]"), 0
	}
	if strings.IndexByte(before, ':') >= 0 {
		if _, err := netip.ParseAddr(s); err == nil {
			return s, 0
		}
	}
	n, ok := localtime.ParseDigits(after)
	if !ok || after == "" || n > 65535 {
		return s, 0
	}
	return strings.Trim(before, "[]"), int32(n)
}

// readRecordTime returns what follows the comma after the time.
func readRecordTime(clock *localtime.Syslog, s string) (nanos int64, epoch bool, rest string, err error) {
	if layout, fraction, zone, rest, ok := cutFormattedTime(s); ok {
		local, ok := localtime.ParseLocal(layout, s[:len(layout)])
		if !ok {
			return 0, false, "", errTime
		}
		unix, err := clock.Unix(local, clock.Before)
		if zone != "" {
			unix, err = clock.UnixOfAbbreviation(local, zone)
		}
		if err == nil {
			nanos, err = localtime.UnixNanos(unix, fraction)
		}
		if err == nil {
			clock.Before = unix
		}
		return nanos, false, rest, err
	}
	if len(s) > 17 && s[16] == ',' && isDecimalNumber(s[:16]) {
		micros, _ := localtime.ParseDigits(s[:16])
		nanos, err = localtime.UnixNanos(micros/1e6, micros%1e6*1000)
		return nanos, true, s[17:], err
	}
	return readSyslogTime(clock, s)
}

// timeLayouts are the default of server_audit_timestamp_format and others in ISO 8601's order, which a fraction and a zone's offset may follow.
var timeLayouts = [...]string{"20060102 15:04:05", "20060102T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04:05"}

func cutFormattedTime(s string) (layout string, fraction int64, zone, rest string, ok bool) {
	stamp, rest, ok := strings.Cut(s, ",")
	for _, layout = range timeLayouts {
		n := len(layout)
		if !ok || len(stamp) < n || stamp[n-9] != layout[n-9] || stamp[n-6] != ':' || isDecimalNumber(stamp[:8]) != isDecimalNumber(layout[:8]) {
			continue
		}
		fraction, zone, ok = localtime.ParseFraction(stamp[n:])
		if zone == "Z" {
			zone = "UTC"
		}
		_, isOffset := localtime.ParseOffset(zone)
		return layout, fraction, zone, rest, ok && (zone == "" || zone == "UTC" || isOffset)
	}
	return "", 0, "", "", false
}

func readSyslogTime(clock *localtime.Syslog, s string) (nanos int64, epoch bool, rest string, err error) {
	nanos, rest, err = clock.Stamp(s)
	if errors.Is(err, localtime.ErrStamp) {
		return 0, false, "", errTime
	}
	// Of server_audit_output_type = syslog: syslog's head, and no time of their own.
	_, rest, found := strings.Cut(rest, ": ")
	if !found && err == nil {
		return 0, false, "", errTime
	}
	host, _, _ := strings.Cut(rest, ",")
	return nanos, false, rest[strings.LastIndexByte(host, ' ')+1:], err // before the host is what server_audit_syslog_info says
}

func startsRecord(line string) bool {
	if _, _, _, _, ok := cutFormattedTime(line); ok {
		return true
	}
	if len(line) > 17 && line[16] == ',' {
		return isDecimalNumber(line[:16])
	}
	_, ok := localtime.CutStamp(line)
	return ok
}

func (r *auditRecord) readRecord(clock *localtime.Syslog, s string) (concern bool, err error) {
	t, concern, ok := readRecordTail(s)
	switch {
	case !ok && !startsRecord(s):
		return false, errLine
	case !ok || !concern:
		if _, _, _, err := readRecordTime(clock, s); err != nil {
			return false, err
		}
		if !ok {
			return false, errLine
		}
		return false, nil
	}
	*r = auditRecord{operation: t.operation, database: t.database, code: t.code, connectionType: t.connectionType, tls: t.tls, proxy: t.object, withoutTLS: t.withoutTLS}
	nanos, epoch, rest, err := readRecordTime(clock, s)
	if err != nil {
		return false, err
	}
	at := len(s) - len(rest) // of the server's host
	if at >= t.hostStart {
		return false, errLine
	}
	serverHost, user, found := strings.Cut(s[at:t.hostStart-1], ",")
	if !found {
		return false, errLine
	}
	r.time, r.timeIsEpoch, r.serverHost, r.user = nanos, epoch, serverHost, user
	r.host, r.port = splitAddress(t.host)
	r.connection, _ = localtime.ParseDigits(t.connectionID)
	return true, nil
}
