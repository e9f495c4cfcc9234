package jsontext

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Parser steps through one JSON text. Each method leaves white space before what it takes behind, and says false where
// something else stands; then the parser is of no further use.
type Parser struct {
	s   string
	pos int
	buf []byte
}

// NewParser begins at the start of s. Texts that it hands out may share the memory of s.
func NewParser(s string) Parser { return Parser{s: s} }

func (p *Parser) space() {
	for p.pos < len(p.s) && (p.s[p.pos] == ' ' || p.s[p.pos] == '\n' || p.s[p.pos] == '\t' || p.s[p.pos] == '\r') {
		p.pos++
	}
}

// Peek is the next byte, 0 at the end.
func (p *Parser) Peek() byte {
	p.space()
	if p.pos == len(p.s) {
		return 0
	}
	return p.s[p.pos]
}

// Take steps over c.
func (p *Parser) Take(c byte) bool {
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// End tells whether nothing is left.
func (p *Parser) End() bool {
	p.space()
	return p.pos == len(p.s)
}

// Each calls item for every element up to the closing bracket; the opening one has been taken.
func (p *Parser) Each(closing byte, item func() bool) bool {
	if p.Take(closing) {
		return true
	}
	for {
		if !item() {
			return false
		}
		if p.Take(closing) {
			return true
		}
		if !p.Take(',') {
			return false
		}
	}
}

// Word reads what is neither quoted nor in brackets: a number, true, false or null, or what stands in their place.
func (p *Parser) Word() string {
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] != ',' && p.s[p.pos] != '}' && p.s[p.pos] > ' ' {
		p.pos++
	}
	return p.s[start:p.pos]
}

// Document reads an array or an object verbatim.
func (p *Parser) Document() (string, bool) {
	start, depth, quoted := p.pos, 0, false
	for ; p.pos < len(p.s); p.pos++ {
		switch c := p.s[p.pos]; {
		case c == '\\' && quoted:
			p.pos++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				p.pos++
				return p.s[start:p.pos], true
			}
		}
	}
	return "", false
}

// Text reads a quoted text. One without escapes shares the memory of the whole.
func (p *Parser) Text() (string, bool) {
	if !p.Take('"') {
		return "", false
	}
	start := p.pos
	for p.pos < len(p.s) {
		switch c := p.s[p.pos]; {
		case c == '"':
			p.pos++
			return p.s[start : p.pos-1], true
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", false
		}
		p.pos++
	}
	return "", false
}

func (p *Parser) escaped(start int) (string, bool) {
	b := append(p.buf[:0], p.s[start:p.pos]...)
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		p.pos++
		switch {
		case c == '"':
			p.buf = b
			return string(b), true
		case c < ' ':
			return "", false
		case c != '\\':
			b = append(b, c)
		default:
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			b = utf8.AppendRune(b, r)
		}
	}
	return "", false
}

// escape reads what follows a backslash; a server may have spelled a character as a pair of surrogates.
func (p *Parser) escape() (rune, bool) {
	if p.pos == len(p.s) {
		return 0, false
	}
	c := p.s[p.pos]
	p.pos++
	if c != 'u' {
		at := strings.IndexByte(`"\/nrtbf`, c)
		if at < 0 {
			return 0, false
		}
		return rune("\"\\/\n\r\t\b\f"[at]), true
	}
	r, ok := p.hex4()
	if ok && utf16.IsSurrogate(r) && strings.HasPrefix(p.s[p.pos:], `\u`) {
		p.pos += 2
		var low rune
		low, ok = p.hex4()
		r = utf16.DecodeRune(r, low)
	}
	return r, ok
}

func (p *Parser) hex4() (r rune, ok bool) {
	if len(p.s)-p.pos < 4 {
		return 0, false
	}
	for _, c := range []byte(p.s[p.pos : p.pos+4]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	p.pos += 4
	return r, true
}
