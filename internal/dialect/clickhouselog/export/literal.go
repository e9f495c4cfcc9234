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
	malformed bool
}

// readList appends the strings of an array.
func (l *literalReader) readList(dst []string) ([]string, error) {
	l.require('[')
	for more := !l.accept(']'); more && !l.malformed; more = l.nextElement(']') {
		dst = append(dst, l.readScalar())
	}
	return dst, l.finish()
}

// readPairs appends the pairs of an array of tuples or of a map.
func (l *literalReader) readPairs(dst []session.Setting) ([]session.Setting, error) {
	opening, closing := byte('('), byte(']')
	if l.accept('{') {
		opening, closing = 0, '}'
	} else {
		l.require('[')
	}
	for more := !l.accept(closing); more && !l.malformed; more = l.nextElement(closing) {
		var pair session.Setting
		if opening != 0 {
			l.require('(')
		}
		pair.Name = l.readScalar()
		if opening != 0 {
			l.require(',')
		} else {
			l.require(':')
		}
		pair.Value = l.readScalar()
		if opening != 0 {
			l.require(')')
		}
		dst = append(dst, pair)
	}
	return dst, l.finish()
}

func (l *literalReader) finish() error {
	if l.skipSpace(); l.malformed || l.rest != "" {
		return errLiteral
	}
	return nil
}

func (l *literalReader) skipSpace() { l.rest = strings.TrimLeft(l.rest, " ") }

func (l *literalReader) accept(c byte) bool {
	l.skipSpace()
	if l.rest == "" || l.rest[0] != c {
		return false
	}
	l.rest = l.rest[1:]
	return true
}

func (l *literalReader) require(c byte) {
	if !l.accept(c) {
		l.malformed = true
	}
}

// nextElement returns false at the closing bracket.
func (l *literalReader) nextElement(closing byte) bool {
	if l.accept(',') {
		return true
	}
	l.require(closing)
	return false
}

// readScalar reads a string in single quotes, or a bare number or word. NULL is an empty string.
func (l *literalReader) readScalar() string {
	if !l.accept('\'') {
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
			return l.unescape(raw, escaped)
		}
	}
	l.malformed = true
	return ""
}

func (l *literalReader) unescape(raw string, escaped bool) string {
	if !escaped {
		return raw
	}
	s, err := unescapeBackslashes(raw)
	if err != nil {
		l.malformed = true
	}
	return s
}
