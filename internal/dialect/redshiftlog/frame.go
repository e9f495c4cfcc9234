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

// maxNames is how far a name is followed: Redshift's have up to 127 bytes, and there are two of them.
const maxNames = 600

// behindNames are the fields that even the oldest clusters write behind the user's name.
const behindNames = leastFields - 1 - fieldUser

// endsRecord tells whether a line is the end of a record that began in another: it has the fields behind the names. Where it
// looks like a record itself, it must have them beside its own.
func endsRecord(line []byte) bool {
	least := behindNames
	if begins(line) {
		least += mostFields - 1
	}
	return bytes.Count(line, pipe) >= least
}

// Frame takes a line, or those that names with line ends make of one.
func (p *parser) Frame(data []byte, final bool) int {
	n := lineLength(data, final)
	if n == 0 || !endsInName(data[:n]) {
		return n
	}
	end := min(len(data), n+maxNames)
	for at := n; at < end; {
		m := lineLength(data[at:end], final && end == len(data))
		if m == 0 {
			break
		}
		at += m
		if endsRecord(data[at-m : at]) {
			return at
		}
	}
	if !final && len(data) < n+maxNames {
		return 0
	}
	return n
}

var pipe = []byte("|")

func lineLength(data []byte, last bool) int {
	if n := logformat.Line(data); n > 0 || !last {
		return n
	}
	return len(data)
}

// endsInName tells a line that is a record up to the database's or the user's name.
func endsInName(line []byte) bool { return bytes.Count(line, pipe) < leastFields-1 && hasNames(line) }

// hasNames tells a line that is a record as far as its names, which can have pipes.
func hasNames(line []byte) bool {
	if bytes.Count(line, pipe) < fieldDatabase || !begins(line) {
		return false
	}
	_, ok := number(trim(string(bytes.SplitN(line, pipe, fieldPID+2)[fieldPID])))
	return ok
}

// begins tells whether a line has a time where a record has it.
func begins(line []byte) bool {
	_, rest, _ := bytes.Cut(line, pipe)
	stamp, _, found := bytes.Cut(rest, pipe)
	if !found || len(stamp) > 40 {
		return false
	}
	_, ok := recordTime(strings.TrimRight(string(stamp), " "))
	return ok
}
