package postgreslog

import (
	"bytes"
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
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
	csvMinColumns  = 22 // before 9.0 there was no application_name
	csvMaxColumns  = 40 // room for columns to come
)

var errCSV = errors.New("not a record of csvlog, or a torn one")

// csvFormat reads csvlog: values are in quotes, quotes in them are doubled, line ends are not escaped.
type csvFormat struct {
	texts valueDecoder
	cells [csvMaxColumns]rawValue
}

// frameLength ends a torn record, whose quote is open at a line's end, where what follows can only be the beginning of another record.
func (f *csvFormat) frameLength(data []byte) int {
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
		switch isNew, known := startsCSVRecord(data[at:]); {
		case !known:
			return 0
		case isNew:
			return at
		}
	}
}

// startsCSVRecord distinguishes a record's beginning from the inside of a quoted text: there every quote is doubled, so that the
// columns up to a quoted message fit only in a record. known is false while data ends too early.
func startsCSVRecord(data []byte) (isNew, known bool) {
	if len(data) < 20 || data[4] != '-' || data[10] != ' ' {
		return false, true
	}
	if _, ok := localtime.ParseCivil(string(data[:19])); !ok {
		return false, true
	}
	s := string(data[:min(len(data), maxHeadBytes)])
	var c rawValue
	for column, at := 0, 0; column <= csvMessage; column++ {
		var ok bool
		if c, at, ok = readCSVCell(s, at); !ok || at >= len(s) {
			return false, len(s) == maxHeadBytes
		}
		if s[at] != ',' {
			return false, true
		}
		at++
		if _, isID := parseBackendID(c.raw); column == csvSession && !isID {
			return false, true
		}
		if column == csvMessage {
			return at >= 2 && s[at-2] == '"' && strings.Trim(c.raw, `"`) != "", true // doubled quotes alone can be a part of a name
		}
	}
	return false, true
}

const maxHeadBytes = 4096

func (f *csvFormat) readLine(text string, clock *localtime.Clock, l *Line) (bool, error) {
	n := f.splitCells(text)
	if n < csvMinColumns {
		return false, errCSV
	}
	c := &f.cells
	r := logRecord{
		time: c[csvTime].raw, session: c[csvSession].raw, activity: c[csvActivity].raw, severity: c[csvSeverity].raw, state: c[csvState].raw,
		user: c[csvUser], database: c[csvDatabase], message: c[csvMessage], detail: c[csvDetail], host: c[csvFrom],
	}
	if n > csvApplication {
		r.application = c[csvApplication]
	}
	r.splitHostAndPort()
	f.texts.decode = quotedtext.AppendCSV
	return f.texts.fillLine(&r, clock, l)
}

func (r *logRecord) splitHostAndPort() {
	if host, port, found := logformat.CutLast(r.host.raw, ":"); found {
		if p, ok := localtime.ParseDigits(port); ok && p < 1<<31 {
			r.host.raw, r.port = host, p
		}
	}
}

func (f *csvFormat) splitCells(text string) (n int) {
	for at := 0; n < csvMaxColumns; at++ {
		var ok bool
		if f.cells[n], at, ok = readCSVCell(text, at); !ok {
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

func readCSVCell(s string, at int) (c rawValue, next int, ok bool) {
	if at >= len(s) || s[at] != '"' {
		end := at + strings.IndexAny(s[at:], ",\"\n")
		if end < at {
			end = len(s)
		}
		return rawValue{raw: s[at:end]}, end, true
	}
	start := at + 1
	for at = start; ; at += 2 {
		n := strings.IndexByte(s[at:], '"')
		if n < 0 {
			return rawValue{}, 0, false
		}
		if at += n; at+1 >= len(s) || s[at+1] != '"' {
			return rawValue{raw: s[start:at], escaped: c.escaped}, at + 1, true
		}
		c.escaped = true
	}
}

func detectCSVLog(head []byte, whole bool) logformat.Verdict {
	text := string(head)
	at := 0
	for column := 0; column <= csvSession; column++ {
		c, next, ok := readCSVCell(text, at)
		if column == csvTime && len(c.raw) >= 19 {
			if _, isTime := localtime.ParseCivil(c.raw[:19]); !isTime {
				return logformat.VerdictNo
			}
		}
		if !ok || next >= len(text) {
			if whole || column == csvTime && len(text) > 40 {
				return logformat.VerdictNo
			}
			return logformat.VerdictWait
		}
		if text[next] != ',' {
			return logformat.VerdictNo
		}
		if _, isID := parseBackendID(c.raw); column == csvSession && isID {
			return logformat.VerdictYes
		}
		at = next + 1
	}
	return logformat.VerdictNo
}
