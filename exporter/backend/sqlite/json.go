package sqlite

import (
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// The JSON of the columns roles, profiles, settings and attributes, written and read without allocation but for the
// texts. Bytes that are not UTF-8 pass through as they are, so that nothing is lost; the column is then a BLOB.

// appendList is ["a","b"], nothing when empty.
func appendList(b []byte, list []string) []byte {
	for i, s := range list {
		b = append(b, ",["[b2i(i == 0)])
		b = appendString(b, s)
	}
	if len(list) > 0 {
		b = append(b, ']')
	}
	return b
}

// appendSettings is [["name","value"],…], nothing when empty: what ClickHouse makes of its Array(Tuple(String, String)).
func appendSettings(b []byte, settings []session.Setting) []byte {
	for i, s := range settings {
		b = append(b, ",["[b2i(i == 0)], '[')
		b = appendString(b, s.Name)
		b = append(b, ',')
		b = appendString(b, s.Value)
		b = append(b, ']')
	}
	if len(settings) > 0 {
		b = append(b, ']')
	}
	return b
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

const hexDigits = "0123456789abcdef"

// appendString quotes s with JSON's own escapes. Control characters never reach a terminal through it.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		b = append(b, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(b, s[start:]...), '"')
}

// parser reads what the functions above have written.
type parser struct {
	s   string
	pos int
	buf []byte
}

func (p *parser) space() {
	for p.pos < len(p.s) && (p.s[p.pos] == ' ' || p.s[p.pos] == '\n' || p.s[p.pos] == '\t' || p.s[p.pos] == '\r') {
		p.pos++
	}
}

// take steps over c.
func (p *parser) take(c byte) bool {
	p.space()
	if p.pos < len(p.s) && p.s[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// end tells whether nothing is left.
func (p *parser) end() bool {
	p.space()
	return p.pos == len(p.s)
}

// each calls item for every element up to the closing bracket; the opening one has been taken.
func (p *parser) each(closing byte, item func() bool) bool {
	if p.take(closing) {
		return true
	}
	for {
		if !item() {
			return false
		}
		if p.take(closing) {
			return true
		}
		if !p.take(',') {
			return false
		}
	}
}

// str reads a quoted text. A text without escapes shares the memory of the document.
func (p *parser) str() (string, bool) {
	if !p.take('"') {
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

func (p *parser) escaped(start int) (string, bool) {
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

// escape reads what follows a backslash.
func (p *parser) escape() (rune, bool) {
	if p.pos == len(p.s) {
		return 0, false
	}
	c := p.s[p.pos]
	p.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'u':
		return p.hex4()
	}
	return 0, false
}

func (p *parser) hex4() (r rune, ok bool) {
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

func parseList(s string, to []string) ([]string, bool) {
	if s == "" {
		return to, true
	}
	p := parser{s: s}
	ok := p.take('[') && p.each(']', func() bool {
		v, ok := p.str()
		to = append(to, v)
		return ok
	})
	return to, ok && p.end()
}

func parseSettings(s string, to []session.Setting) ([]session.Setting, bool) {
	if s == "" {
		return to, true
	}
	p := parser{s: s}
	ok := p.take('[') && p.each(']', func() bool {
		if !p.take('[') {
			return false
		}
		name, ok := p.str()
		if !ok || !p.take(',') {
			return false
		}
		value, ok := p.str()
		to = append(to, session.Setting{Name: name, Value: value})
		return ok && p.take(']')
	})
	return to, ok && p.end()
}
