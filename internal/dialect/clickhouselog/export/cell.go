package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/jsontree"
	"github.com/otel-sessionlog/sessionlog/session"
)

// rowCell is one value of a row, a part of the record's text.
type rowCell struct {
	text string
	kind cellKind
	json jsontree.Value // of kindJSON
}

type cellKind uint8

const (
	kindNull      cellKind = iota
	kindBare               // a number or a word, as it stands
	kindString             // a string without escapes
	kindCSVString          // a string with doubled quotes
	kindTSV                // a TSV cell with backslashes: an escaped string, or an array, which TSV does not escape again
	kindJSON               // an array or object
)

// nullSymbol is NULL in JSONStringsEachRow and in formats for people.
const nullSymbol = "ᴺᵁᴸᴸ"

func unescapedText(c rowCell) (string, error) {
	switch c.kind {
	case kindNull:
		return "", nil
	case kindCSVString:
		return strings.ReplaceAll(c.text, `""`, `"`), nil
	case kindTSV:
		return unescapeBackslashes(c.text)
	default:
		return c.text, nil
	}
}

func newLiteralReader(c rowCell) (literalReader, error) {
	if c.kind == kindTSV {
		return literalReader{rest: c.text}, nil
	}
	s, err := unescapedText(c)
	return literalReader{rest: s}, err
}

// readStringList reads an array of strings.
func (p *exportParser) readStringList(c rowCell, dst []string) ([]string, error) {
	p.arrayAsText = p.arrayAsText || c.kind == kindString
	switch {
	case c.kind == kindNull || c.text == "[]":
		return dst, nil
	case c.kind == kindJSON:
		return appendJSONList(c.json, dst)
	}
	l, err := newLiteralReader(c)
	if err != nil {
		return dst, err
	}
	return l.readStringList(dst)
}

// readSettingPairs reads an array of two-element tuples, or a map.
func readSettingPairs(c rowCell, dst []session.Setting) ([]session.Setting, error) {
	switch {
	case c.kind == kindNull || c.text == "[]" || c.text == "{}":
		return dst, nil
	case c.kind == kindJSON:
		return appendJSONPairs(c.json, dst)
	}
	l, err := newLiteralReader(c)
	if err != nil {
		return dst, err
	}
	return l.readSettingPairs(dst)
}

// newBareCell is an unquoted CSV cell. A string always has quotes there, so these words are NULL.
func newBareCell(s string) rowCell {
	s = strings.TrimSpace(s)
	if s == `\N` || s == "NULL" || s == nullSymbol {
		return rowCell{}
	}
	return rowCell{text: s, kind: kindBare}
}

// newTSVCell is a TSV cell. Only \N is NULL: a client may type any other word as a user name.
func newTSVCell(s string) rowCell {
	if s == `\N` {
		return rowCell{}
	}
	if strings.IndexByte(s, '\\') >= 0 {
		return rowCell{text: s, kind: kindTSV}
	}
	return rowCell{text: s, kind: kindBare}
}

func newJSONCell(v jsontree.Value) rowCell {
	switch v.Kind() {
	case jsontree.Missing, jsontree.Null:
		return rowCell{}
	case jsontree.Bool, jsontree.Number:
		return rowCell{text: v.Peek(), kind: kindBare}
	case jsontree.String:
		return rowCell{text: v.Peek(), kind: kindString}
	case jsontree.Array, jsontree.Object:
	}
	return rowCell{json: v, kind: kindJSON}
}
