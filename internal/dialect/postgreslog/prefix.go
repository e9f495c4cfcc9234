package postgreslog

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// prefix is a log_line_prefix, compiled: what stands before "LOG:  " in every line.
type prefix struct {
	parts  []part
	hasPID bool // or %c
}

// part is either a text that stands as it is, or an escape.
type part struct {
	literal string
	escape  byte
}

// freeText are the escapes whose values a client chooses, and which may hold anything but for its own end; tag and backend
// type have blanks in them.
const freeText = "uadib"

var errPrefix = errors.New("log_line_prefix has neither %p nor %c: without them nobody can tell which lines belong together")

// compilePrefix reads a log_line_prefix as postgresql.conf has it. Padding is taken as blanks around the value.
func compilePrefix(text string) (*prefix, error) {
	p := &prefix{}
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		p.literal(literal)
		if !found {
			break
		}
		rest = strings.TrimLeft(rest, "-0123456789")
		if rest == "" {
			break
		}
		switch c := rest[0]; c {
		case '%':
			p.literal("%")
		default:
			p.hasPID = p.hasPID || c == 'p' || c == 'c'
			p.parts = append(p.parts, part{escape: c})
		}
		text = rest[1:]
	}
	if !p.hasPID {
		return nil, errPrefix
	}
	return p, nil
}

func (p *prefix) literal(text string) {
	if text == "" {
		return
	}
	if n := len(p.parts); n > 0 && p.parts[n-1].escape == 0 {
		p.parts[n-1].literal += text
		return
	}
	p.parts = append(p.parts, part{literal: text})
}

// values are what a prefix tells.
type values struct {
	time, start, session, pid, activity, state string
	user, database, app                        string
	host, port                                 string
	epoch                                      bool // time is %n
}

// begins tells whether a line can be the first of a record: it has what stands before the first free text.
func (p *prefix) begins(line string) bool {
	for _, this := range p.parts {
		switch {
		case this.escape == 0:
			rest, ok := strings.CutPrefix(line, this.literal)
			if !ok {
				return false
			}
			line = rest
		case this.escape == 'q' || strings.IndexByte(freeText, this.escape) >= 0:
			return true
		default:
			n := valueLength(this.escape, line)
			if n < 0 {
				return false
			}
			line = line[n:]
		}
	}
	return true
}

// valueLength is how long the value at the beginning of text is, padding included; negative when it is none.
func valueLength(escape byte, text string) int {
	lead := len(text) - len(strings.TrimLeft(text, " "))
	body := text[lead:]
	switch escape {
	case 'm', 't', 's':
		n := stampLength(body)
		if n < 0 {
			return -1
		}
		return lead + n
	case 'n', 'p', 'P', 'l', 'x', 'Q':
		return lead + spanOf(body, "0123456789.-")
	case 'c':
		return lead + spanOf(body, "0123456789abcdef.")
	case 'v':
		return lead + spanOf(body, "0123456789/-")
	case 'e':
		return lead + spanOf(body, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case 'r', 'h', 'L':
		end := strings.IndexAny(body, " ,;|")
		if end < 0 {
			end = len(body)
		}
		return lead + hostLength(escape, body[:end])
	}
	return -1
}

// hostLength takes no more than a host, and its port in parentheses of %r: a colon may follow it.
func hostLength(escape byte, s string) int {
	switch {
	case strings.HasPrefix(s, "[local]"), strings.HasPrefix(s, unknown):
		return strings.IndexByte(s, ']') + 1
	case escape == 'r':
		return strings.IndexByte(s, ')') + 1 // nothing, of a process that is no session
	case strings.Count(s, ":") == 1: // no IPv6 address
		return strings.IndexByte(s, ':')
	}
	return len(s)
}

func spanOf(s, chars string) int {
	for i := range len(s) {
		if strings.IndexByte(chars, s[i]) < 0 {
			return i
		}
	}
	return len(s)
}

// stampLength measures "2026-11-21 21:47:39.355 UTC".
func stampLength(s string) int {
	if len(s) < 21 {
		return -1
	}
	if _, ok := localtime.Civil(s[:19]); !ok {
		return -1
	}
	_, rest, ok := localtime.Fraction(s[19:])
	if !ok || len(rest) < 2 || rest[0] != ' ' {
		return -1
	}
	n := 1
	for n < len(rest) && (rest[n]|0x20 >= 'a' && rest[n]|0x20 <= 'z' || rest[n] >= '0' && rest[n] <= '9' || rest[n] == '+' || rest[n] == '-') {
		n++
	}
	return len(s) - len(rest) + n
}

func (v *values) take(escape byte, text string) {
	switch escape {
	case 'm', 't':
		v.time, v.epoch = text, false
	case 'n':
		v.time, v.epoch = text, true
	case 's':
		v.start = text
	case 'c':
		v.session = text
	case 'p':
		v.pid = text
	case 'u':
		v.user = text
	case 'd':
		v.database = text
	case 'a':
		v.app = text
	case 'i':
		v.activity = text
	case 'e':
		v.state = text
	case 'h':
		v.host = text
	case 'r':
		if host, port, found := strings.Cut(text, "("); found && strings.HasSuffix(port, ")") {
			v.host, v.port = host, port[:len(port)-1]
		} else {
			v.host = text
		}
	}
}
