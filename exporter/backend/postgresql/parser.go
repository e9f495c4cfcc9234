package postgresql

import (
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsontext"
	"github.com/otel-sessionlog/sessionlog/session"
)

// parser reads the JSON that jsonScratch has written and that a server may have spelled anew.
type parser struct{ jsontext.Parser }

func newParser(cell []byte) parser { return parser{jsontext.NewParser(string(cell))} }

// strings hands every element of an array of strings to f.
func (p *parser) strings(f func(string)) bool {
	return p.Take('[') && p.Each(']', func() bool {
		s, ok := p.str()
		f(s)
		return ok
	})
}

// str reads a quoted text as it was before it was made storable.
func (p *parser) str() (string, bool) {
	s, ok := p.Text()
	return original(s), ok
}

// value reads one value of the object of attributes. A document is skipped: attributes_exact has it.
func (p *parser) value(a *session.Attr) (ok bool) {
	switch p.Peek() {
	case '"':
		a.Value, ok = p.str()
		return ok
	case '{', '[':
		a.Type = session.AttrJSON
		_, ok = p.Document()
		return ok
	}
	a.Value = p.Word()
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

// exact replaces the attributes that the column attributes_exact names by what they were.
func (r *row) exact(c int, attrs []session.Attr) []session.Attr {
	if r.null(c) {
		return attrs
	}
	p := newParser(r.cells[c])
	var exact []session.Attr
	ok := p.Take('[') && p.Each(']', func() bool {
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
	r.check(c, ok && p.End())
	attrs = slices.DeleteFunc(attrs, func(a session.Attr) bool {
		return slices.ContainsFunc(exact, func(x session.Attr) bool { return x.Key == a.Key })
	})
	return append(attrs, exact...)
}
