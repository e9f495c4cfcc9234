package postgreslog

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// linePrefix is a compiled log_line_prefix: the text before "LOG:  " in every line.
type linePrefix struct {
	text      string // as postgresql.conf has it
	parts     []prefixPart
	headParts []prefixPart // those before the first free text and before %q
}

// prefixPart is a literal text or an escape.
type prefixPart struct {
	literal string
	escape  byte
	width   int // the least, of %15h; negative of %-15h, whose blanks follow the value
	// isDelimited: the longest value is the only one, since what follows begins with a character that no value has.
	isDelimited bool
	// next is the escape directly after a time, whose zone must then be capital letters, 0 where a literal does.
	next byte
}

// knownEscapes are all that PostgreSQL knows, those of 18 included; it prints nothing for any other character after a per cent sign.
const knownEscapes = "abcdehilLmnpPqQrstuvx"

// freeTextEscapes are the escapes whose values a client chooses, and which may hold anything but for its own end; tag and backend
// type have blanks in them.
const freeTextEscapes = "uadib"

func (p *prefixPart) isFreeText() bool {
	return p.escape != 0 && strings.IndexByte(freeTextEscapes, p.escape) >= 0
}

func (p *prefixPart) isOneOfEscapes(escapes string) bool {
	return p.escape != 0 && strings.IndexByte(escapes, p.escape) >= 0
}

// What a log_line_prefix may lack.
const (
	missingProcess = "has neither %p nor %c, without which the lines of one connection cannot be distinguished from those of another"
	missingTime    = "has none of the times %m, %t and %n"
	prefixRemedy   = ": set log_line_prefix = '%m [%p] %c %q%u@%d %r %e %a ' on the server, or any that has %c and %m, and write the same here"
)

// CheckLinePrefix returns what is missing in a log_line_prefix, and the remedy. The empty one is valid: it means the usual ones.
func CheckLinePrefix(text string) error {
	if text == "" {
		return nil
	}
	_, err := compilePrefix(text)
	return err
}

func compilePrefix(text string) (*linePrefix, error) {
	p := &linePrefix{text: text}
	for text != "" {
		literal, rest, found := strings.Cut(text, "%")
		p.addLiteral(literal)
		if !found {
			break
		}
		if strings.HasPrefix(rest, "%") {
			p.addLiteral("%")
			text = rest[1:]
			continue
		}
		sign := prefixLengthOf(rest[:min(len(rest), 1)], "-")
		digits := rest[:sign+prefixLengthOf(rest[sign:], "0123456789")]
		if rest = rest[len(digits):]; rest == "" {
			break
		}
		width, _ := strconv.Atoi(digits)
		if strings.IndexByte(knownEscapes, rest[0]) >= 0 {
			p.parts = append(p.parts, prefixPart{escape: rest[0], width: width})
		}
		text = rest[1:]
	}
	switch process, time := p.hasAnyEscape("pc"), p.hasAnyEscape("mtn"); {
	case !process && !time:
		return nil, errors.New(missingProcess + ", and " + missingTime + prefixRemedy)
	case !process:
		return nil, errors.New(missingProcess + prefixRemedy)
	case !time:
		return nil, errors.New(missingTime + prefixRemedy)
	}
	return p, p.findDelimiters()
}

func (p *linePrefix) findDelimiters() error {
	p.headParts = p.parts
	for i := range p.parts {
		this := &p.parts[i]
		if len(p.headParts) == len(p.parts) && (this.escape == 'q' || this.isFreeText()) {
			p.headParts = p.parts[:i]
		}
		if this.escape == 0 || this.escape == 'q' {
			continue
		}
		next := p.nextPrinted(i)
		switch {
		case next == nil:
		case next.escape == 0:
			this.isDelimited = strings.IndexByte(valueChars(this.escape), next.literal[0]) < 0
		case !endIsDecidable(this, next):
			return errors.New("has nothing between %" + string(this.escape) + " and %" + string(next.escape) +
				", so that the end of the first cannot be found" + prefixRemedy)
		default:
			this.next = next.escape
		}
	}
	return nil
}

func (p *linePrefix) nextPrinted(i int) *prefixPart {
	for i++; i < len(p.parts); i++ {
		if p.parts[i].escape != 'q' { // it prints nothing in the lines of a session
			return &p.parts[i]
		}
	}
	return nil
}

func endIsDecidable(this, next *prefixPart) bool {
	switch {
	case this.hasVisibleEnd():
		return true
	case this.isFreeText(), next.isFreeText():
		return false
	case this.isOneOfEscapes("mts"): // a zone is capital letters, or has a sign: the line itself decides the rest
		return true
	case next.isOneOfEscapes("mts"): // a year has four digits
		return true
	case this.isOneOfEscapes("pc") && next.isOneOfEscapes("pc") && this.escape != next.escape: // %c has the pid in it
		return true
	}
	return next.escape == 'e' && this.isOneOfEscapes("plxcQ")
}

func (p *prefixPart) hasVisibleEnd() bool {
	most := map[byte]int{'p': 10, 'l': 10, 'x': 10, 'P': 10, 'c': 17, 'u': maxIdentifier, 'd': maxIdentifier, 'a': maxIdentifier}[p.escape]
	return p.isOneOfEscapes("enr") || most > 0 && max(p.width, -p.width) >= most
}

func (p *linePrefix) hasAnyEscape(escapes string) bool {
	return slices.ContainsFunc(p.parts, func(this prefixPart) bool { return this.isOneOfEscapes(escapes) })
}

func (p *linePrefix) addLiteral(text string) {
	if text == "" {
		return
	}
	if n := len(p.parts); n > 0 && p.parts[n-1].escape == 0 {
		p.parts[n-1].literal += text
		return
	}
	p.parts = append(p.parts, prefixPart{literal: text})
}

func (p *linePrefix) startsLine(line string) bool {
	m := prefixMatcher{allowHostNames: true, isHead: true, stepsLeft: maxMatchSteps}
	return m.matchParts(p.headParts, line)
}
