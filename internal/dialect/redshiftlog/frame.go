package redshiftlog

import (
	"bytes"
	"strings"
)

// Nothing is escaped in the log, and a client may send any names: one with line ends splits its record, and can contain what looks
// like a whole record of a login. So a line that ends within the names is joined with the following ones, up to the line that has the
// rest of its fields. Lines between that look like records are then parts of the name. Where no such line comes, the record was torn,
// and the lines around it are records. The next one may be a part of a name that ends like a record: that cannot be known, so it is
// delivered with its original text.

// maxContinuationBytes allows for two names of up to 127 bytes.
const maxContinuationBytes = 600

// fieldsAfterUser is how many fields the oldest clusters write after the user's name.
const fieldsAfterUser = minFieldCount - 1 - fieldUser

func isRecordEnd(line []byte) bool {
	least := fieldsAfterUser
	if hasRecordTime(line) {
		least += maxFieldCount - 1
	}
	return bytes.Count(line, fieldSeparator) >= least
}

// Frame returns the length of a line, or of the lines that names with line ends make of a record.
func (p *lineParser) Frame(data []byte, final bool) int {
	n := p.LineParser.Frame(data, final)
	if n == 0 || !endsInName(data[:n]) {
		return n
	}
	end := min(len(data), n+maxContinuationBytes)
	for at := n; at < end; {
		m := p.LineParser.Frame(data[at:end], final && end == len(data))
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

func endsInName(line []byte) bool {
	return bytes.Count(line, fieldSeparator) < minFieldCount-1 && hasNameFields(line)
}

// hasNameFields: the line is a record as far as its names, which can have pipes.
func hasNameFields(line []byte) bool {
	if bytes.Count(line, fieldSeparator) < fieldDatabase || !hasRecordTime(line) {
		return false
	}
	_, ok := parseNumber(trimPadding(string(bytes.SplitN(line, fieldSeparator, fieldPID+2)[fieldPID])))
	return ok
}

func hasRecordTime(line []byte) bool {
	_, rest, _ := bytes.Cut(line, fieldSeparator)
	stamp, _, found := bytes.Cut(rest, fieldSeparator)
	if !found || len(stamp) > 40 {
		return false
	}
	_, ok := parseRecordTime(strings.TrimRight(string(stamp), " "))
	return ok
}
