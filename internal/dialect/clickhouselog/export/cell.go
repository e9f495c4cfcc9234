package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// cell is one value of a row, a part of the record's text.
type cell struct {
	text string
	kind kind
}

type kind uint8

const (
	kindNull       kind = iota
	kindBare            // a number or a word, as it stands
	kindString          // a string without escapes
	kindJSONString      // a string with JSON's escapes
	kindCSVString       // a string with doubled quotes
	kindTSV             // a TSV cell with backslashes: an escaped string, or an array, which TSV does not escape again
	kindJSON            // an array or object
)

// nullSign is NULL in JSONStringsEachRow and where a person looks at rows.
const nullSign = "ᴺᵁᴸᴸ"

// str gives the text of a cell, decoded.
func (p *parser) str(c cell) (string, error) {
	switch c.kind {
	case kindNull:
		return "", nil
	case kindJSONString:
		return p.json.text(c.text)
	case kindCSVString:
		return p.doubled.text(c.text)
	case kindTSV:
		return p.backslash.text(c.text)
	default:
		return c.text, nil
	}
}

// literal gives the reader of an array that is written in ClickHouse's own way.
func (p *parser) literal(c cell) (literal, error) {
	if c.kind == kindTSV {
		return literal{s: c.text, esc: &p.backslash}, nil
	}
	s, err := p.str(c)
	return literal{s: s, esc: &p.backslash}, err
}

// list reads an array of strings.
func (p *parser) list(c cell, dst []string) ([]string, error) {
	p.arrayAsText = p.arrayAsText || c.kind == kindString || c.kind == kindJSONString
	switch {
	case c.kind == kindNull || c.text == "[]":
		return dst, nil
	case c.kind == kindJSON:
		return p.jsonList(c.text, dst)
	}
	l, err := p.literal(c)
	if err != nil {
		return dst, err
	}
	return l.list(dst)
}

// pairs reads an array of two-element tuples, or a map.
func (p *parser) pairs(c cell, dst []session.Setting) ([]session.Setting, error) {
	switch {
	case c.kind == kindNull || c.text == "[]" || c.text == "{}":
		return dst, nil
	case c.kind == kindJSON:
		return p.jsonPairs(c.text, dst)
	}
	l, err := p.literal(c)
	if err != nil {
		return dst, err
	}
	return l.pairs(dst)
}

// bareCell is an unquoted CSV cell. A string always has quotes there, so these words are NULL.
func bareCell(s string) cell {
	s = strings.TrimSpace(s)
	if s == `\N` || s == "NULL" || s == nullSign {
		return cell{}
	}
	return cell{text: s, kind: kindBare}
}

// tsvCell is a TSV cell. Only \N is NULL: a client may type any other word as a user name.
func tsvCell(s string) cell {
	if s == `\N` {
		return cell{}
	}
	if strings.IndexByte(s, '\\') >= 0 {
		return cell{text: s, kind: kindTSV}
	}
	return cell{text: s, kind: kindBare}
}
