package postgresql

import (
	"encoding/json"
	"strings"
	"unsafe"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Attributes are a JSON object for queries, each value in JSON's own type where it has one. PostgreSQL's jsonb keeps what a
// document means and not how it was written, and JSON has no bytes and no NaN: an attribute whose type or text would not come
// back is also in attributes_exact, with a letter for its type.

// typeLetters are indexed by session.AttrType.
const typeLetters = "sidbyje"

// maxDepth keeps documents well below the depth at which a server gives up on them.
const maxDepth = 100

// presentable tells whether the attribute's text can stand as a JSON value of its own type.
func presentable(a *session.Attr) bool {
	switch a.Type {
	case session.AttrInt, session.AttrDouble:
		return isNumber(a.Value)
	case session.AttrBool:
		return a.Value == "true" || a.Value == "false"
	case session.AttrJSON:
		return isDocument(a.Value)
	case session.AttrEmpty:
		return a.Value == ""
	}
	return false
}

// natural tells whether the attribute's type and text are what reading the JSON value gives.
func natural(a *session.Attr) bool {
	switch a.Type {
	case session.AttrString:
		return true
	case session.AttrInt:
		return plainInteger(a.Value)
	case session.AttrDouble:
		return plainDecimal(a.Value)
	case session.AttrBool, session.AttrEmpty:
		return presentable(a)
	}
	return false
}

// plainInteger is an integer as every program spells it: no sign but a minus, no leading zero.
func plainInteger(s string) bool {
	s = strings.TrimPrefix(s, "-")
	return s == "0" || s != "" && s[0] != '0' && digits(s) == len(s) && len(s) < 30
}

// plainDecimal has a point, no exponent, and neither a leading nor a trailing zero that a server may leave out.
func plainDecimal(s string) bool {
	whole, fraction, found := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return found && (whole == "0" || plainInteger(whole)) && whole[0] != '-' && len(fraction) < 400 &&
		fraction != "" && digits(fraction) == len(fraction) && fraction[len(fraction)-1] != '0'
}

func digits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

// isNumber tells whether s is a number of JSON that numeric holds: it ends at an exponent of some hundred thousand, and
// here long before.
func isNumber(s string) bool {
	if s == "" || len(s) > 400 || strings.TrimLeft(s, "-0123456789.eE+") != "" {
		return false
	}
	if _, exponent, found := strings.Cut(strings.ToLower(s), "e"); found && len(strings.TrimLeft(exponent, "+-0")) > 3 {
		return false
	}
	return json.Valid(unsafe.Slice(unsafe.StringData(s), len(s)))
}

// isDocument tells whether s is an array or an object that can stand inside another, and that a server takes.
func isDocument(s string) bool {
	if s == "" || s[0] != '{' && s[0] != '[' || !storable(s) || strings.Contains(s, `\u`) {
		return false // an escape may spell NUL or half a surrogate pair, which jsonb refuses
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
		case c == 'e' || c == 'E': // true, false, or an exponent that numeric may not hold
			if i > 0 && (s[i-1] == '.' || s[i-1] >= '0' && s[i-1] <= '9') {
				return false
			}
		}
	}
	return depth == 0 && json.Valid(unsafe.Slice(unsafe.StringData(s), len(s)))
}
