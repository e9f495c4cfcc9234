package export

import (
	"errors"
	"strings"
)

var errJSON = errors.New("not JSON, or only a part of it")

// scanner walks one JSON text in place: values are parts of it. It is laxer than the standard about bare words, which the
// columns check, and strict about whatever tells a torn line from a whole one.
type scanner struct {
	s string
	i int
}

// peek gives the next character that is no blank, 0 at the end.
func (j *scanner) peek() byte {
	for j.i < len(j.s) {
		switch c := j.s[j.i]; c {
		case ' ', '\t', '\r', '\n':
			j.i++
		default:
			return c
		}
	}
	return 0
}

// done tells whether nothing but blanks is left.
func (j *scanner) done() bool { return j.peek() == 0 && j.i == len(j.s) }

func (j *scanner) take(c byte) bool {
	if j.peek() != c {
		return false
	}
	j.i++
	return true
}

// str reads a string at the cursor and gives what stands between its quotes.
func (j *scanner) str() (raw string, escaped, ok bool) {
	if !j.take('"') {
		return "", false, false
	}
	start := j.i
	for {
		n := strings.IndexByte(j.s[j.i:], '"')
		if n < 0 {
			return "", escaped, false
		}
		// A quote is a part of the string when an odd number of backslashes stands before it.
		back := j.i + n
		for back > start && j.s[back-1] == '\\' {
			back--
		}
		end := j.i + n
		if !escaped && strings.IndexByte(j.s[j.i:end], '\\') >= 0 {
			escaped = true
		}
		j.i = end + 1
		if (end-back)%2 == 0 {
			return j.s[start:end], escaped, true
		}
	}
}

// value reads any value as a cell. Arrays and objects stay raw.
func (j *scanner) value() (cell, error) {
	switch j.peek() {
	case '"':
		raw, escaped, ok := j.str()
		if !ok {
			return cell{}, errJSON
		}
		c := cell{text: raw, kind: kindString}
		if escaped {
			c.kind = kindJSONString
		}
		return c, nil
	case '[', '{':
		start := j.i
		if !j.composite() {
			return cell{}, errJSON
		}
		return cell{text: j.s[start:j.i], kind: kindJSON}, nil
	}
	return j.bare()
}

// bare reads a number, true, false or null.
func (j *scanner) bare() (cell, error) {
	start := j.i
	for j.i < len(j.s) && !strings.ContainsRune(",]} \t\r\n", rune(j.s[j.i])) {
		j.i++
	}
	word := j.s[start:j.i]
	switch {
	case word == "null":
		return cell{kind: kindNull}, nil
	case word == "" || j.i == len(j.s):
		return cell{}, errJSON
	case word == "true" || word == "false" || word[0] == '-' || word[0]-'0' <= 9:
		return cell{text: word, kind: kindBare}, nil
	}
	return cell{}, errJSON
}

// composite skips an array or object with all that it holds. Nesting is counted, not recursed into.
func (j *scanner) composite() bool {
	depth := 0
	for j.i < len(j.s) {
		switch j.s[j.i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				j.i++
				return true
			}
		case '"':
			if _, _, ok := j.str(); !ok {
				return false
			}
			continue
		}
		j.i++
	}
	return false
}
