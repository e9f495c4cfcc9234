package postgreslog

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// prefix is a log_line_prefix, compiled: what stands before "LOG:  " in every line.
type prefix struct {
	text  string // as postgresql.conf has it
	parts []part
	lead  []part // those before the first free text and before %q
}

// part is either a text that stands as it is, or an escape.
type part struct {
	literal string
	escape  byte
	width   int // the least, of %15h; negative of %-15h, whose blanks follow the value
	// sure says that the longest value is the only one: what follows begins with a character that no value has.
	sure bool
	// next is the escape that stands right behind a time, whose zone must then be capital letters, 0 where a literal does.
	next byte
}

// escapes are all that PostgreSQL knows, those of 18 included; it prints nothing for any other character behind a per cent sign.
const escapes = "abcdehilLmnpPqQrstuvx"

// freeText are the escapes whose values a client chooses, and which may hold anything but for its own end; tag and backend
// type have blanks in them.
const freeText = "uadib"

func (p *part) free() bool { return p.escape != 0 && strings.IndexByte(freeText, p.escape) >= 0 }

func (p *part) oneOf(escapes string) bool {
	return p.escape != 0 && strings.IndexByte(escapes, p.escape) >= 0
}

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

// compilePrefix reads a log_line_prefix as the server does.
func compilePrefix(text string) (*prefix, error) {
	p := &prefix{text: text}
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		p.literal(literal)
		if !found {
			break
		}
		if strings.HasPrefix(rest, "%") {
			p.literal("%")
			text = rest[1:]
			continue
		}
		sign := spanOf(rest[:min(len(rest), 1)], "-")
		digits := rest[:sign+spanOf(rest[sign:], "0123456789")]
		if rest = rest[len(digits):]; rest == "" {
			break
		}
		width, _ := strconv.Atoi(digits)
		if strings.IndexByte(escapes, rest[0]) >= 0 {
			p.parts = append(p.parts, part{escape: rest[0], width: width})
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
	return p, p.delimit()
}

// delimit notes where values end, and refuses a prefix in which nobody can tell.
func (p *prefix) delimit() error {
	p.lead = p.parts
	for i := range p.parts {
		this := &p.parts[i]
		if len(p.lead) == len(p.parts) && (this.escape == 'q' || this.free()) {
			p.lead = p.parts[:i]
		}
		if this.escape == 0 || this.escape == 'q' {
			continue
		}
		next := p.behind(i)
		switch {
		case next == nil:
		case next.escape == 0:
			this.sure = strings.IndexByte(valueChars(this.escape), next.literal[0]) < 0
		case !decidable(this, next):
			return errors.New("has nothing between %" + string(this.escape) + " and %" + string(next.escape) +
				", so that nobody can tell where the one ends" + remedy)
		default:
			this.next = next.escape
		}
	}
	return nil
}

// behind is the part that stands behind a value in the lines of a session: %q prints nothing there.
func (p *prefix) behind(i int) *part {
	for i++; i < len(p.parts); i++ {
		if p.parts[i].escape != 'q' {
			return &p.parts[i]
		}
	}
	return nil
}

// decidable tells whether a value that is directly followed by another has an end that can be found.
func decidable(this, next *part) bool {
	switch {
	case this.fixed():
		return true
	case this.free(), next.free():
		return false
	case this.oneOf("mts"): // a zone is capital letters, or has a sign: the rest of it is told by what the line itself has
		return true
	case next.oneOf("mts"): // a year has four digits
		return true
	case this.oneOf("pc") && next.oneOf("pc") && this.escape != next.escape: // %c has the pid in it
		return true
	}
	return next.escape == 'e' && this.oneOf("plxcQ")
}

// fixed tells whether the value shows its own end: it has always the same length, its padding is wider than it, or it ends with a
// sign of its own.
func (p *part) fixed() bool {
	most := map[byte]int{'p': 10, 'l': 10, 'x': 10, 'P': 10, 'c': 17, 'u': maxIdentifier, 'd': maxIdentifier, 'a': maxIdentifier}[p.escape]
	return p.oneOf("enr") || most > 0 && max(p.width, -p.width) >= most
}

// has tells whether one of these escapes is there.
func (p *prefix) has(escapes string) bool {
	return slices.ContainsFunc(p.parts, func(this part) bool { return this.oneOf(escapes) })
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

// begins tells whether a line can be the first of a record: it has what stands before the first free text.
func (p *prefix) begins(line string) bool {
	m := matcher{loose: true, open: true, steps: maxSteps}
	return m.match(p.lead, line)
}
