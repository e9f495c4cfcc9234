package sqlite

import (
	"encoding/json"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsontext"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Attributes are a JSON object, each value in JSON's own type where that is the attribute's and keeps its text. Any other
// value (bytes, a double without a point, NaN, JSON that is a single word or no JSON at all) stands as text, and the column
// attribute_types, one letter for each attribute in order, says what it was.

const naturalType = '-'

// typeLetters are indexed by session.AttrType.
const typeLetters = "sidbyje"

// appendAttributes is {"key":value,…}, nothing when there are none.
func appendAttributes(b []byte, attrs []session.Attr) []byte {
	for i := range attrs {
		a := &attrs[i]
		b = append(b, jsontext.Opening('{', i))
		b = jsontext.AppendString(b, a.Key)
		b = append(b, ':')
		switch {
		case a.Type == session.AttrString || !natural(a):
			b = jsontext.AppendString(b, a.Value)
		case a.Type == session.AttrEmpty:
			b = append(b, "null"...)
		default:
			b = append(b, a.Value...)
		}
	}
	if len(attrs) > 0 {
		b = append(b, '}')
	}
	return b
}

// appendTypes is nothing when all attributes have JSON's types.
func appendTypes(b []byte, attrs []session.Attr) []byte {
	all := true
	for i := range attrs {
		if natural(&attrs[i]) {
			b = append(b, naturalType)
			continue
		}
		all = false
		b = append(b, typeLetters[min(int(attrs[i].Type), len(typeLetters)-1)])
	}
	if all {
		return b[:0]
	}
	return b
}

// natural tells whether the attribute's type and text can be seen from its JSON value.
func natural(a *session.Attr) bool {
	switch a.Type {
	case session.AttrString:
		return true
	case session.AttrInt:
		return numberType(a.Value) == session.AttrInt
	case session.AttrDouble:
		return numberType(a.Value) == session.AttrDouble
	case session.AttrBool:
		return a.Value == "true" || a.Value == "false"
	case session.AttrJSON:
		return isDocument(a.Value)
	case session.AttrEmpty:
		return a.Value == ""
	}
	return false
}

// numberType tells the type of a number as JSON spells it; AttrString is none.
func numberType(s string) session.AttrType {
	i, t := 0, session.AttrInt
	if i < len(s) && s[i] == '-' {
		i++
	}
	lead := i
	i = digits(s, i)
	if i == lead || i > lead+1 && s[lead] == '0' {
		return session.AttrString
	}
	if i < len(s) && s[i] == '.' {
		t = session.AttrDouble
		point := i + 1
		if i = digits(s, point); i == point {
			return session.AttrString
		}
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		t = session.AttrDouble
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		exp := i
		if i = digits(s, exp); i == exp {
			return session.AttrString
		}
	}
	if i != len(s) {
		return session.AttrString
	}
	return t
}

func digits(s string, i int) int {
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

// maxDepth keeps documents well below the depth at which SQLite's JSON functions give up on the whole query.
const maxDepth = 100

// isDocument tells whether s is an array or an object that can stand inside another.
func isDocument(s string) bool {
	if s == "" || s[0] != '{' && s[0] != '[' {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return false
			}
		case c == '}' || c == ']':
			if depth--; depth == 0 && i != len(s)-1 {
				return false
			}
		}
	}
	return depth == 0 && json.Valid(unsafe.Slice(unsafe.StringData(s), len(s)))
}

func parseAttributes(s string, to []session.Attr) ([]session.Attr, bool) {
	if s == "" {
		return to, true
	}
	p := jsontext.NewParser(s)
	ok := p.Take('{') && p.Each('}', func() bool {
		key, ok := p.Text()
		if !ok || !p.Take(':') {
			return false
		}
		a := session.Attr{Key: key}
		ok = readValue(&p, &a)
		to = append(to, a)
		return ok
	})
	return to, ok && p.End()
}

// readValue reads one value, a document verbatim.
func readValue(p *jsontext.Parser, a *session.Attr) (ok bool) {
	switch p.Peek() {
	case '"':
		a.Value, ok = p.Text()
		return ok
	case '{', '[':
		a.Type = session.AttrJSON
		a.Value, ok = p.Document()
		return ok
	}
	a.Value = p.Word()
	switch a.Value {
	case "null":
		a.Type, a.Value = session.AttrEmpty, ""
	case "true", "false":
		a.Type = session.AttrBool
	default:
		a.Type = numberType(a.Value)
		return a.Type != session.AttrString
	}
	return true
}

// applyTypes gives back the types that JSON has not.
func applyTypes(attrs []session.Attr, letters string) {
	for i := range min(len(attrs), len(letters)) {
		for t := range len(typeLetters) {
			if letters[i] == typeLetters[t] {
				attrs[i].Type = session.AttrType(t)
			}
		}
	}
}
