// Package syslogline parses lines of system logs: what syslog daemons, journalctl and macOS' log put around the
// message of a program.
package syslogline

import (
	"errors"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// Line is one record of a system log.
type Line struct {
	Nanos   int64  // since 1970 UTC
	Host    string // "" where the daemon does not write it
	Program string // without its folder: sshd; "" where the line names none
	Module  string // in parentheses after the program, as pam_unix in sshd(pam_unix)[1]
	PID     int64  // 0: the line has none
	Text    string
	Unit    string // of systemd, where the log says so
	UID     string // of the writing process according to journald, "" without journald
	Exe     string // the file that the writing process runs, according to journald
	Cursor  string // journald's
	Journal bool   // it is an entry of journalctl's JSON
}

// Errors of [Reader.Read] beside those of [localtime.Syslog.Stamp].
var (
	ErrNoTime    = errors.New("a record of RFC 5424 without a time")
	ErrJournal   = errors.New("not an entry as journalctl -o json writes it")
	ErrNoMessage = errors.New("an entry whose MESSAGE is null: journalctl leaves out fields of more than 4096 bytes unless it is called with --all")
)

// Reader reads the lines of one text.
type Reader struct {
	Clock localtime.Syslog
}

// Read reads one line. For a line without a message (journalctl's own remarks, column names) Program is empty, and Nanos
// too where it has no time.
func (r *Reader) Read(record string) (Line, error) {
	if object, ok := cutJournalObject(record); ok {
		return r.readJournalEntry(object)
	}
	if isRemarkLine(record) {
		return Line{}, nil
	}
	rest, version := cutPriority(record)
	if version {
		return r.readStructured(rest)
	}
	nanos, rest, err := r.Clock.Stamp(rest)
	if err != nil {
		return Line{}, err
	}
	l := Line{Nanos: nanos}
	l.cutLineHeader(rest)
	return l, nil
}

// isRemarkLine is true for lines that are no record: "-- Boot … --", the column names of macOS' log show, and the continuation lines of
// a message, which journalctl indents.
func isRemarkLine(record string) bool {
	return strings.HasPrefix(record, "-- ") || strings.HasPrefix(record, "Timestamp ") || strings.HasPrefix(record, "        ")
}

// LooksLikeRecord reports whether a line looks like a record of a system log; program is "" where it is not known.
func LooksLikeRecord(record string) (program string, ok bool) {
	if object, isObject := cutJournalObject(record); isObject {
		return "", IsJournal(object)
	}
	if isRemarkLine(record) {
		return "", true
	}
	rest, version := cutPriority(record)
	if version {
		r := Reader{Clock: localtime.Syslog{Clock: localtime.New(time.UTC)}}
		l, err := r.readStructured(rest)
		return l.Program, err == nil || errors.Is(err, ErrNoTime)
	}
	if rest, ok = localtime.CutStamp(rest); !ok {
		return "", false
	}
	var l Line
	l.cutLineHeader(rest)
	return l.Program, true
}

// cutPriority removes an octet count (RFC 6587) and <PRI>, which relays and raw syslog files have. version: the
// record is one of RFC 5424.
func cutPriority(record string) (rest string, version bool) {
	rest = record
	if count, after, found := strings.Cut(rest, " "); found && len(count) <= 6 && strings.HasPrefix(after, "<") {
		if _, ok := localtime.ParseDigits(count); ok && count != "" {
			rest = after
		}
	}
	if inside, found := strings.CutPrefix(rest, "<"); found {
		number, after, closed := strings.Cut(inside, ">")
		if _, ok := localtime.ParseDigits(number); !closed || !ok || number == "" || len(number) > 3 {
			return record, false
		}
		rest = after
	}
	if after, found := strings.CutPrefix(rest, "1 "); found && len(after) > 2 && (after[:2] == "- " || len(after) > 10 && after[4] == '-') {
		return after, true
	}
	return rest, false
}

// readStructured reads "TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]" of RFC 5424; "-" is no value.
func (r *Reader) readStructured(rest string) (Line, error) {
	if strings.HasPrefix(rest, "- ") {
		return Line{}, ErrNoTime
	}
	nanos, rest, err := r.Clock.Stamp(rest)
	if err != nil {
		return Line{}, err
	}
	l := Line{Nanos: nanos}
	var fields [4]string
	for i := range fields {
		var found bool
		if fields[i], rest, found = strings.Cut(rest, " "); !found {
			return l, nil
		}
		fields[i] = nilToEmpty(fields[i])
	}
	text, ok := cutStructuredData(rest)
	if !ok {
		return l, nil
	}
	l.Host, l.Program = fields[0], fileBaseName(fields[1])
	if pid, ok := localtime.ParseDigits(fields[2]); ok {
		l.PID = pid
	}
	l.Text = text
	return l, nil
}

// nilToEmpty: the NILVALUE of RFC 5424 is "-".
func nilToEmpty(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// cutStructuredData removes "-" or elements as [id name="value"], whose values may hold \", \\ and \]. The text may begin with several
// blanks, which rsyslog's template for RFC 5424 writes, and with a byte order mark.
func cutStructuredData(s string) (text string, ok bool) {
	if s == "-" {
		return "", true
	}
	if text, found := strings.CutPrefix(s, "- "); found {
		return trimMessage(text), true
	}
	for strings.HasPrefix(s, "[") {
		end, quoted := -1, false
		for i := 1; i < len(s); i++ {
			switch c := s[i]; {
			case c == '\\' && quoted:
				i++
			case c == '"':
				quoted = !quoted
			case c == ']' && !quoted:
				end = i
			}
			if end >= 0 {
				break
			}
		}
		if end < 0 {
			return "", false
		}
		s, ok = s[end+1:], true
	}
	return trimMessage(s), ok
}

func trimMessage(s string) string { return strings.TrimPrefix(strings.TrimLeft(s, " "), "\uFEFF") }
