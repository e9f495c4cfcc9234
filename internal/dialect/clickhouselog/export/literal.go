package export

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

var errLiteral = errors.New("neither an array nor a tuple as ClickHouse writes them")

// literalReader reads ClickHouse's text of arrays, tuples and maps, ['a','b'] and [('a','1')], from CSV and TSV cells.
type literalReader struct {
	rest      string
	escapes   *textDecoder
	malformed bool
}

func (l *literalReader) readStringList(dst []string) ([]string, error) {
	l.requireByte('[')
	for more := !l.consumeByte(']'); more && !l.malformed; more = l.nextElement(']') {
		dst = append(dst, l.readScalarText())
	}
	return dst, l.requireEnd()
}

func (l *literalReader) readSettingPairs(dst []session.Setting) ([]session.Setting, error) {
	opening, closing := byte('('), byte(']')
	if l.consumeByte('{') {
		opening, closing = 0, '}'
	} else {
		l.requireByte('[')
	}
	for more := !l.consumeByte(closing); more && !l.malformed; more = l.nextElement(closing) {
		var pair session.Setting
		if opening != 0 {
			l.requireByte('(')
		}
		pair.Name = l.readScalarText()
		if opening != 0 {
			l.requireByte(',')
		} else {
			l.requireByte(':')
		}
		pair.Value = l.readScalarText()
		if opening != 0 {
			l.requireByte(')')
		}
		dst = append(dst, pair)
	}
	return dst, l.requireEnd()
}

func (l *literalReader) requireEnd() error {
	if l.skipSpaces(); l.malformed || l.rest != "" {
		return errLiteral
	}
	return nil
}

func (l *literalReader) skipSpaces() { l.rest = strings.TrimLeft(l.rest, " ") }

func (l *literalReader) consumeByte(c byte) bool {
	l.skipSpaces()
	if l.rest == "" || l.rest[0] != c {
		return false
	}
	l.rest = l.rest[1:]
	return true
}

func (l *literalReader) requireByte(c byte) {
	if !l.consumeByte(c) {
		l.malformed = true
	}
}

// nextElement returns false at the closing bracket.
func (l *literalReader) nextElement(closing byte) bool {
	if l.consumeByte(',') {
		return true
	}
	l.requireByte(closing)
	return false
}

// readScalarText reads a string in single quotes, or a bare number or word. NULL is an empty string.
func (l *literalReader) readScalarText() string {
	if !l.consumeByte('\'') {
		n := strings.IndexAny(l.rest, ",)]}:")
		if n <= 0 {
			l.malformed = true
			return ""
		}
		word := strings.TrimRight(l.rest[:n], " ")
		l.rest = l.rest[n:]
		if word == "NULL" {
			return ""
		}
		return word
	}
	escaped := false
	for i := 0; i < len(l.rest); i++ {
		switch l.rest[i] {
		case '\\':
			escaped = true
			i++
		case '\'':
			raw := l.rest[:i]
			l.rest = l.rest[i+1:]
			return l.unescapeIfNeeded(raw, escaped)
		}
	}
	l.malformed = true
	return ""
}

func (l *literalReader) unescapeIfNeeded(raw string, escaped bool) string {
	if !escaped {
		return raw
	}
	s, err := l.escapes.decodeText(raw)
	if err != nil {
		l.malformed = true
	}
	return s
}
