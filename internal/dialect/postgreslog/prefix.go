package postgreslog

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/localtime"
)

// prefix is a log_line_prefix, compiled: what stands before "LOG:  " in every line.
type prefix struct{ parts []part }

// part is either a text that stands as it is, or an escape.
type part struct {
	literal string
	escape  byte
	width   int // the least, of %15h; negative of %-15h, whose blanks follow the value
}

// freeText are the escapes whose values a client chooses, and which may hold anything but for its own end; tag and backend
// type have blanks in them.
const freeText = "uadib"

// What a log_line_prefix may lack.
const (
	noProcess = "has neither %p nor %c, without which nobody can tell the lines of one connection from those of another"
	noTime    = "has none of the times %m, %t and %n"
	remedy    = ": set log_line_prefix = '%m [%p] %c %q%u@%d %r %e %a ' on the server, or any that has %c and %m, and write the same here"
)

// CheckLinePrefix tells what is missing in a log_line_prefix, and the remedy. The empty one is well: it means the usual ones.
func CheckLinePrefix(text string) error {
	if text == "" {
		return nil
	}
	_, err := compilePrefix(text)
	return err
}

// compilePrefix reads a log_line_prefix as postgresql.conf has it.
func compilePrefix(text string) (*prefix, error) {
	p := &prefix{}
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		p.literal(literal)
		if !found {
			break
		}
		digits := rest[:spanOf(rest, "-0123456789")]
		if rest = rest[len(digits):]; rest == "" {
			break
		}
		width, _ := strconv.Atoi(digits)
		switch c := rest[0]; c {
		case '%':
			p.literal("%")
		default:
			p.parts = append(p.parts, part{escape: c, width: width})
		}
		text = rest[1:]
	}
	switch process, time := p.has("pc"), p.has("mtn"); {
	case !process && !time:
		return nil, errors.New(noProcess + ", and " + noTime + remedy)
	case !process:
		return nil, errors.New(noProcess + remedy)
	case !time:
		return nil, errors.New(noTime + remedy)
	}
	return p, nil
}

// has tells whether one of these escapes is there.
func (p *prefix) has(escapes string) bool {
	return slices.ContainsFunc(p.parts, func(this part) bool { return strings.IndexByte(escapes, this.escape) >= 0 })
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
			_, n := this.read(line)
			if n < 0 {
				return false
			}
			line = line[n:]
		}
	}
	return true
}

// read gives the value at the beginning of text, and how long it is with its padding; negative when it is none.
func (p *part) read(text string) (value string, n int) {
	lead := 0
	if p.width > 0 {
		if lead = spanOf(text, " "); lead >= p.width {
			return "", p.width
		}
	}
	n = valueLength(p.escape, text[lead:])
	if n < 0 {
		return "", -1
	}
	value = text[lead : lead+n]
	n = max(lead+n, p.width, -p.width)
	if n > len(text) || strings.Trim(text[lead+len(value):n], " ") != "" {
		return "", -1
	}
	return value, n
}

// valueLength is how long the value at the beginning of text is; negative when it is none. Many have no value in lines of a
// process that is no session.
func valueLength(escape byte, text string) int {
	switch escape {
	case 'm', 't', 's':
		return stampLength(text)
	case 'n', 'p':
		return some(spanOf(text, "0123456789."))
	case 'c':
		return some(spanOf(text, "0123456789abcdef."))
	case 'P', 'l', 'x', 'Q':
		return spanOf(text, "0123456789-")
	case 'v':
		return spanOf(text, "0123456789/-")
	case 'e':
		return spanOf(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case 'r', 'h', 'L':
		return hostLength(escape, text)
	}
	return -1
}

// some is the length of what must be there.
func some(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

// hostChars are those of addresses and of hosts' names.
const hostChars = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_%"

// hostLength takes no more than a host, and its port in parentheses of %r: a colon may follow it. A process that is no session
// has nothing there.
func hostLength(escape byte, s string) int {
	for _, word := range [...]string{"[local]", unknown, "[none]"} {
		if strings.HasPrefix(s, word) {
			return len(word)
		}
	}
	n := spanOf(s, hostChars)
	switch {
	case escape == 'r' && n > 0 && n < len(s) && s[n] == '(':
		return strings.IndexByte(s, ')') + 1
	case escape == 'r':
		return 0
	case strings.Count(s[:n], ":") == 1: // no IPv6 address
		return strings.IndexByte(s, ':')
	}
	return n
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
