package postgresql

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/otel-sessionlog/sessionlog/session"
)

// parser reads the JSON that jsonScratch has written and that a server may have spelled anew.
type parser struct {
	s   string
	pos int
}

func (p *parser) space() {
	for p.pos < len(p.s) && strings.IndexByte(" \n\t\r", p.s[p.pos]) >= 0 {
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

// strings hands every element of an array of strings to f.
func (p *parser) strings(f func(string)) bool {
	return p.take('[') && p.each(']', func() bool {
		s, ok := p.str()
		f(s)
		return ok
	})
}

// str reads a quoted text. A text without escapes shares the memory of the document.
func (p *parser) str() (string, bool) {
	if !p.take('"') {
		return "", false
	}
	end := strings.IndexAny(p.s[p.pos:], `"\`)
	if end < 0 {
		return "", false
	}
	start := p.pos
	p.pos += end
	if p.s[p.pos] == '"' {
		p.pos++
		return original(p.s[start : p.pos-1]), true
	}
	b := []byte(p.s[start:p.pos])
	for p.pos < len(p.s) {
		c := p.s[p.pos]
		p.pos++
		switch c {
		case '"':
			return original(string(b)), true
		case '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, c)
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

func (p *parser) hex4() (r rune, ok bool) {
	if len(p.s)-p.pos < 4 {
		return 0, false
	}
	for _, c := range []byte(p.s[p.pos : p.pos+4]) {
		digit := strings.IndexByte(hexDigits, c|0x20)
		if c >= '0' && c <= '9' {
			digit = int(c - '0')
		}
		if digit < 0 {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	p.pos += 4
	return r, true
}

// value reads one value of the object of attributes. A document is skipped: attributes_exact has it.
func (p *parser) value(a *session.Attr) (ok bool) {
	p.space()
	if p.pos == len(p.s) {
		return false
	}
	switch p.s[p.pos] {
	case '"':
		a.Value, ok = p.str()
		return ok
	case '{', '[':
		a.Type = session.AttrJSON
		return p.document()
	}
	start := p.pos
	for p.pos < len(p.s) && p.s[p.pos] != ',' && p.s[p.pos] != '}' && p.s[p.pos] > ' ' {
		p.pos++
	}
	a.Value = p.s[start:p.pos]
	switch a.Value {
	case "null":
		a.Type, a.Value = session.AttrEmpty, ""
	case "true", "false":
		a.Type = session.AttrBool
	default:
		a.Type = session.AttrInt
		if strings.ContainsAny(a.Value, ".eE") {
			a.Type = session.AttrDouble
		}
		return isNumber(a.Value) || plainInteger(a.Value) || plainDecimal(a.Value) || digits(a.Value) > 0
	}
	return true
}

func (p *parser) document() bool {
	depth, quoted := 0, false
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
				return true
			}
		}
	}
	return false
}

// exact replaces the attributes that the column attributes_exact names by what they were.
func (r *row) exact(c int, attrs []session.Attr) []session.Attr {
	if r.null(c) {
		return attrs
	}
	p := parser{s: string(r.cells[c])}
	var exact []session.Attr
	ok := p.take('[') && p.each(']', func() bool {
		var part [3]string
		n := 0
		ok := p.strings(func(s string) {
			part[min(n, 2)] = s
			n++
		})
		typ := strings.Index(typeLetters, part[1])
		exact = append(exact, session.Attr{Key: part[0], Type: session.AttrType(max(typ, 0)), Value: part[2]})
		return ok && n == 3 && len(part[1]) == 1 && typ >= 0
	})
	r.check(c, ok && p.end())
	attrs = slices.DeleteFunc(attrs, func(a session.Attr) bool {
		return slices.ContainsFunc(exact, func(x session.Attr) bool { return x.Key == a.Key })
	})
	return append(attrs, exact...)
}
