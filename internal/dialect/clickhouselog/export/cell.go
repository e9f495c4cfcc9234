package export

import (
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// rowCell is one value of a row, a part of the record's text.
type rowCell struct {
	text string
	kind cellKind
}

type cellKind uint8

const (
	kindNull       cellKind = iota
	kindBare                // a number or a word, as it stands
	kindString              // a string without escapes
	kindJSONString          // a string with JSON's escapes
	kindCSVString           // a string with doubled quotes
	kindTSV                 // a TSV cell with backslashes: an escaped string, or an array, which TSV does not escape again
	kindJSON                // an array or object
)

// nullSymbol is NULL in JSONStringsEachRow and in formats for people.
const nullSymbol = "ᴺᵁᴸᴸ"

func (p *exportParser) unescapedText(c rowCell) (string, error) {
	switch c.kind {
	case kindNull:
		return "", nil
	case kindJSONString:
		return p.jsonTexts.decodeText(c.text)
	case kindCSVString:
		return p.csvTexts.decodeText(c.text)
	case kindTSV:
		return p.backslashTexts.decodeText(c.text)
	default:
		return c.text, nil
	}
}

func (p *exportParser) newLiteralReader(c rowCell) (literalReader, error) {
	if c.kind == kindTSV {
		return literalReader{rest: c.text, escapes: &p.backslashTexts}, nil
	}
	s, err := p.unescapedText(c)
	return literalReader{rest: s, escapes: &p.backslashTexts}, err
}

func (p *exportParser) readStringList(c rowCell, dst []string) ([]string, error) {
	p.arrayAsText = p.arrayAsText || c.kind == kindString || c.kind == kindJSONString
	switch {
	case c.kind == kindNull || c.text == "[]":
		return dst, nil
	case c.kind == kindJSON:
		return p.appendJSONList(c.text, dst)
	}
	l, err := p.newLiteralReader(c)
	if err != nil {
		return dst, err
	}
	return l.readStringList(dst)
}

// readSettingPairs reads an array of two-element tuples, or a map.
func (p *exportParser) readSettingPairs(c rowCell, dst []session.Setting) ([]session.Setting, error) {
	switch {
	case c.kind == kindNull || c.text == "[]" || c.text == "{}":
		return dst, nil
	case c.kind == kindJSON:
		return p.appendJSONPairs(c.text, dst)
	}
	l, err := p.newLiteralReader(c)
	if err != nil {
		return dst, err
	}
	return l.readSettingPairs(dst)
}

func newBareCell(s string) rowCell {
	s = strings.TrimSpace(s)
	if s == `\N` || s == "NULL" || s == nullSymbol { // a string always has quotes there
		return rowCell{}
	}
	return rowCell{text: s, kind: kindBare}
}

func newTSVCell(s string) rowCell {
	if s == `\N` { // a client may type any other word as a user name
		return rowCell{}
	}
	if strings.IndexByte(s, '\\') >= 0 {
		return rowCell{text: s, kind: kindTSV}
	}
	return rowCell{text: s, kind: kindBare}
}
