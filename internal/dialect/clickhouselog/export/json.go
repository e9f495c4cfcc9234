package export

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

var errJSON = errors.New("not JSON, or only a part of it")

// parseJSONLine: two rows in one line are a torn one and its neighbour.
func (p *exportParser) parseJSONLine(text string) (jsontree.Value, error) {
	v, flaw, broken := p.json.ParseString(text)
	switch {
	case errors.Is(broken, jsontree.ErrTrailing):
		return v, errors.New("more than one JSON value in a line")
	case broken != nil:
		return v, errJSON
	}
	return v, flaw
}

// appendJSONList appends the strings of a JSON array.
func appendJSONList(v jsontree.Value, dst []string) ([]string, error) {
	if v.Kind() != jsontree.Array {
		return dst, errJSON
	}
	for element := range v.Elements() {
		if element.Kind() > jsontree.String {
			return dst, errJSON
		}
		dst = append(dst, element.Peek())
	}
	return dst, nil
}

// appendJSONPairs appends the pairs of an array of tuples, which are arrays or, when their elements have names, objects; or
// those of a map, which is one object.
func appendJSONPairs(v jsontree.Value, dst []session.Setting) ([]session.Setting, error) {
	for name, value := range v.Members() {
		if value.Kind() > jsontree.String {
			return dst, errJSON
		}
		dst = append(dst, session.Setting{Name: name, Value: value.Peek()})
	}
	for tuple := range v.Elements() {
		var parts []string
		for _, part := range tuple.Children() {
			if part.Kind() > jsontree.String {
				return dst, errJSON
			}
			parts = append(parts, part.Peek())
		}
		if len(parts) != 2 {
			return dst, errJSON
		}
		dst = append(dst, session.Setting{Name: parts[0], Value: parts[1]})
	}
	return dst, nil
}

// jsonAsLiteral writes a JSON array or object as toString() has it in SQL, ['a','b'], so that a column without a field has one text in
// every format. JSON does not distinguish a tuple from an array inside an array: the one such column known, quotas, holds tuples.
func jsonAsLiteral(v jsontree.Value, tuples bool) string {
	var b strings.Builder
	writeLiteral(&b, v, 1, tuples)
	return b.String()
}

func writeLiteral(b *strings.Builder, v jsontree.Value, depth int, tuples bool) {
	switch v.Kind() {
	case jsontree.Missing, jsontree.Null:
		b.WriteString("NULL")
	case jsontree.Bool, jsontree.Number:
		b.WriteString(v.Peek())
	case jsontree.String:
		writeQuoted(b, v.Peek())
	case jsontree.Array, jsontree.Object:
		brackets := "[]"
		switch {
		case tuples && depth == 2:
			brackets = "()"
		case v.Kind() == jsontree.Object:
			brackets = "{}"
		}
		between := brackets[:1]
		for name, child := range v.Children() {
			b.WriteString(between)
			if between = ","; v.Kind() == jsontree.Object {
				writeQuoted(b, name)
				b.WriteByte(':')
			}
			writeLiteral(b, child, depth+1, tuples)
		}
		if between != "," {
			b.WriteString(between)
		}
		b.WriteString(brackets[1:])
	}
}

var literalEscaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`, "\b", `\b`, "\f", `\f`, "\x00", `\0`)

func writeQuoted(b *strings.Builder, text string) {
	b.WriteByte('\'')
	_, _ = literalEscaper.WriteString(b, text)
	b.WriteByte('\'')
}
