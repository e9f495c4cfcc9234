package postgreslog

import (
	"bytes"
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// The columns of csvlog that matter, by their numbers; servers have 22 to 26 of them.
const (
	csvTime = iota
	csvUser
	csvDatabase
	_ // process_id: the session id has it
	csvFrom
	csvSession
	_ // session_line_num
	csvActivity
	_ // session_start_time
	_ // virtual_transaction_id
	_ // transaction_id
	csvSeverity
	csvState
	csvMessage
	csvDetail

	csvApplication = 22
	csvLeast       = 22 // before 9.0 there was no application_name
	csvMost        = 40 // room for columns to come
)

var errCSV = errors.New("not a record of csvlog, or a torn one")

// csvFormat reads csvlog: texts are quoted, quotes in them doubled, and line ends in them stand as they are.
type csvFormat struct {
	texts texts
	cells [csvMost]cell
}

// frame finds the end of a record. Where a quote stays open at a line's end and what follows can only be the beginning of
// another record, the first one was torn, and its neighbour must not go with it.
func (f *csvFormat) frame(data []byte) int {
	quoted := false
	for at := 0; ; {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			return 0
		}
		quoted = quoted != (bytes.Count(data[at:at+n], []byte{'"'})%2 == 1)
		at += n + 1
		if !quoted {
			return at
		}
		switch isNew, known := looksNew(data[at:]); {
		case !known:
			return 0
		case isNew:
			return at
		}
	}
}

// looksNew tells a record's beginning from the inside of a quoted text: there every quote is doubled, so that a time, a
// name in single quotes or none, and so on up to a quoted message are there only if they are a record. It is not known while
// data ends too early.
func looksNew(data []byte) (isNew, known bool) {
	if len(data) < 20 || data[4] != '-' || data[10] != ' ' {
		return false, true
	}
	if _, ok := localtime.Civil(string(data[:19])); !ok {
		return false, true
	}
	s := string(data[:min(len(data), maxHead)])
	var c cell
	for column, at := 0, 0; column <= csvMessage; column++ {
		var ok bool
		if c, at, ok = csvCell(s, at); !ok || at >= len(s) {
			return false, len(s) == maxHead
		}
		if s[at] != ',' {
			return false, true
		}
		at++
		if _, isID := parseID(c.raw); column == csvSession && !isID {
			return false, true
		}
		if column == csvMessage {
			return at >= 2 && s[at-2] == '"' && strings.Trim(c.raw, `"`) != "", true // doubled quotes alone can be a part of a name
		}
	}
	return false, true
}

// maxHead is how far a record's beginning is looked at.
const maxHead = 4096

func (f *csvFormat) read(text string, clock *localtime.Clock, l *Line) (bool, error) {
	n := f.split(text)
	if n < csvLeast {
		return false, errCSV
	}
	c := &f.cells
	r := record{
		time: c[csvTime].raw, session: c[csvSession].raw, activity: c[csvActivity].raw, severity: c[csvSeverity].raw, state: c[csvState].raw,
		user: c[csvUser], database: c[csvDatabase], message: c[csvMessage], detail: c[csvDetail], host: c[csvFrom],
	}
	if n > csvApplication {
		r.app = c[csvApplication]
	}
	if host, port, found := cutLast(r.host.raw, ":"); found {
		if p, ok := localtime.Digits(port); ok && p < 1<<31 {
			r.host.raw, r.port = host, p
		}
	}
	if f.texts.decode == nil {
		f.texts.decode = undouble
	}
	return f.texts.line(&r, clock, l)
}

// split cuts a record at its commas and gives their number and one, 0 when it is none.
func (f *csvFormat) split(text string) (n int) {
	for at := 0; n < csvMost; at++ {
		var ok bool
		if f.cells[n], at, ok = csvCell(text, at); !ok {
			return 0
		}
		n++
		if at == len(text) {
			return n
		}
		if text[at] != ',' {
			return 0
		}
	}
	return 0
}

// csvCell reads one value and gives the place behind it.
func csvCell(s string, at int) (c cell, next int, ok bool) {
	if at >= len(s) || s[at] != '"' {
		end := at + strings.IndexAny(s[at:], ",\"\n")
		if end < at {
			end = len(s)
		}
		return cell{raw: s[at:end]}, end, true
	}
	start := at + 1
	for at = start; ; at += 2 {
		n := strings.IndexByte(s[at:], '"')
		if n < 0 {
			return cell{}, 0, false
		}
		if at += n; at+1 >= len(s) || s[at+1] != '"' {
			return cell{raw: s[start:at], escaped: c.escaped}, at + 1, true
		}
		c.escaped = true
	}
}

func undouble(dst []byte, raw string) ([]byte, bool) {
	for {
		i := strings.IndexByte(raw, '"')
		if i < 0 {
			return append(dst, raw...), true
		}
		dst = append(dst, raw[:i+1]...)
		raw = raw[min(i+2, len(raw)):]
	}
}

// detectCSV looks at the first record: a time and, at its place, a session id.
func detectCSV(head []byte, whole bool) logformat.Verdict {
	text := string(head)
	at := 0
	for column := 0; column <= csvSession; column++ {
		c, next, ok := csvCell(text, at)
		if column == csvTime && len(c.raw) >= 19 {
			if _, isTime := localtime.Civil(c.raw[:19]); !isTime {
				return logformat.No
			}
		}
		if !ok || next >= len(text) {
			if whole || column == csvTime && len(text) > 40 {
				return logformat.No
			}
			return logformat.Wait
		}
		if text[next] != ',' {
			return logformat.No
		}
		if _, isID := parseID(c.raw); column == csvSession && isID {
			return logformat.Yes
		}
		at = next + 1
	}
	return logformat.No
}
