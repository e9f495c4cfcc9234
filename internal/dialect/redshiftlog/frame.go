package redshiftlog

import (
	"bytes"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// Nothing is escaped in the log, and the names that a client asks for need not exist: one with line ends in it cuts its record,
// and what stands in it can look like a whole record of a login. So a line that ends within the names is looked at with what
// follows, up to the line that has the rest of its fields. Lines between that look like records are parts of the name then.
// Where no such line comes the record was torn, and its neighbours are what they are. The next one could be a part of a name that
// ends as a record does, which nobody can tell: it is told with its text, as all that is doubtful.

// maxContinuationBytes is how far a name is followed: Redshift's have up to 127 bytes, and there are two of them.
const maxContinuationBytes = 600

// fieldsAfterUser are the fields that even the oldest clusters write behind the user's name.
const fieldsAfterUser = minFieldCount - 1 - fieldUser

// isRecordEnd tells whether a line is the end of a record that began in another: it has the fields behind the names. Where it
// looks like a record itself, it must have them beside its own.
func isRecordEnd(line []byte) bool {
	least := fieldsAfterUser
	if hasRecordTime(line) {
		least += maxFieldCount - 1
	}
	return bytes.Count(line, fieldSeparator) >= least
}

// Frame takes a line, or those that names with line ends make of one.
func (p *lineParser) Frame(data []byte, final bool) int {
	n := nextLineLength(data, final)
	if n == 0 || !endsInName(data[:n]) {
		return n
	}
	end := min(len(data), n+maxContinuationBytes)
	for at := n; at < end; {
		m := nextLineLength(data[at:end], final && end == len(data))
		if m == 0 {
			break
		}
		at += m
		if isRecordEnd(data[at-m : at]) {
			return at
		}
	}
	if !final && len(data) < n+maxContinuationBytes {
		return 0
	}
	return n
}

var fieldSeparator = []byte("|")

func nextLineLength(data []byte, last bool) int {
	if n := logformat.Line(data); n > 0 || !last {
		return n
	}
	return len(data)
}

// endsInName tells a line that is a record up to the database's or the user's name.
func endsInName(line []byte) bool {
	return bytes.Count(line, fieldSeparator) < minFieldCount-1 && hasNameFields(line)
}

// hasNameFields tells a line that is a record as far as its names, which can have pipes.
func hasNameFields(line []byte) bool {
	if bytes.Count(line, fieldSeparator) < fieldDatabase || !hasRecordTime(line) {
		return false
	}
	_, ok := parseNumber(trimPadding(string(bytes.SplitN(line, fieldSeparator, fieldPID+2)[fieldPID])))
	return ok
}

// hasRecordTime tells whether a line has a time where a record has it.
func hasRecordTime(line []byte) bool {
	_, rest, _ := bytes.Cut(line, fieldSeparator)
	stamp, _, found := bytes.Cut(rest, fieldSeparator)
	if !found || len(stamp) > 40 {
		return false
	}
	_, ok := parseRecordTime(strings.TrimRight(string(stamp), " "))
	return ok
}
