package export

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

var errLiteral = errors.New("neither an array nor a tuple as ClickHouse writes them")

// literal reads ClickHouse's text of arrays, tuples and maps, ['a','b'] and [('a','1')], from CSV and TSV cells.
type literal struct {
	s   string
	esc *texts
	bad bool
}

// list appends the strings of an array.
func (l *literal) list(dst []string) ([]string, error) {
	l.need('[')
	for more := !l.take(']'); more && !l.bad; more = l.more(']') {
		dst = append(dst, l.scalar())
	}
	return dst, l.end()
}

// pairs appends the pairs of an array of tuples or of a map.
func (l *literal) pairs(dst []session.Setting) ([]session.Setting, error) {
	opening, closing := byte('('), byte(']')
	if l.take('{') {
		opening, closing = 0, '}'
	} else {
		l.need('[')
	}
	for more := !l.take(closing); more && !l.bad; more = l.more(closing) {
		var pair session.Setting
		if opening != 0 {
			l.need('(')
		}
		pair.Name = l.scalar()
		if opening != 0 {
			l.need(',')
		} else {
			l.need(':')
		}
		pair.Value = l.scalar()
		if opening != 0 {
			l.need(')')
		}
		dst = append(dst, pair)
	}
	return dst, l.end()
}

func (l *literal) end() error {
	if l.space(); l.bad || l.s != "" {
		return errLiteral
	}
	return nil
}

func (l *literal) space() { l.s = strings.TrimLeft(l.s, " ") }

func (l *literal) take(c byte) bool {
	l.space()
	if l.s == "" || l.s[0] != c {
		return false
	}
	l.s = l.s[1:]
	return true
}

func (l *literal) need(c byte) {
	if !l.take(c) {
		l.bad = true
	}
}

// more tells whether another element follows a comma.
func (l *literal) more(closing byte) bool {
	if l.take(',') {
		return true
	}
	l.need(closing)
	return false
}

// scalar reads a string in single quotes, or a bare number or word. NULL is an empty string.
func (l *literal) scalar() string {
	if !l.take('\'') {
		n := strings.IndexAny(l.s, ",)]}:")
		if n <= 0 {
			l.bad = true
			return ""
		}
		word := strings.TrimRight(l.s[:n], " ")
		l.s = l.s[n:]
		if word == "NULL" {
			return ""
		}
		return word
	}
	escaped := false
	for i := 0; i < len(l.s); i++ {
		switch l.s[i] {
		case '\\':
			escaped = true
			i++
		case '\'':
			raw := l.s[:i]
			l.s = l.s[i+1:]
			return l.unescape(raw, escaped)
		}
	}
	l.bad = true
	return ""
}

func (l *literal) unescape(raw string, escaped bool) string {
	if !escaped {
		return raw
	}
	s, err := l.esc.text(raw)
	if err != nil {
		l.bad = true
	}
	return s
}
