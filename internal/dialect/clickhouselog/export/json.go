package export

import (
	"errors"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/quotedtext"
)

var errJSON = errors.New("not JSON, or only a part of it")

// jsonScanner reads one JSON text in place: values are parts of it. It is laxer than the standard about bare words, which the
// columns check, and strict about everything that shows a torn line.
type jsonScanner struct {
	input    string
	position int
}

// peekByte returns the next character that is no blank, 0 at the end.
func (j *jsonScanner) peekByte() byte {
	for j.position < len(j.input) {
		switch c := j.input[j.position]; c {
		case ' ', '\t', '\r', '\n':
			j.position++
		default:
			return c
		}
	}
	return 0
}

func (j *jsonScanner) isAtEnd() bool { return j.peekByte() == 0 && j.position == len(j.input) }

func (j *jsonScanner) consumeByte(c byte) bool {
	if j.peekByte() != c {
		return false
	}
	j.position++
	return true
}

func (j *jsonScanner) readString() (raw string, escaped, ok bool) {
	if !j.consumeByte('"') {
		return "", false, false
	}
	start := j.position
	end, escaped := quotedtext.JSONEnd(j.input, start)
	if end < 0 {
		return "", false, false
	}
	j.position = end + 1
	return j.input[start:end], escaped, true
}

// readValue reads any value as a cell. Arrays and objects stay raw.
func (j *jsonScanner) readValue() (rowCell, error) {
	switch j.peekByte() {
	case '"':
		raw, escaped, ok := j.readString()
		if !ok {
			return rowCell{}, errJSON
		}
		c := rowCell{text: raw, kind: kindString}
		if escaped {
			c.kind = kindJSONString
		}
		return c, nil
	case '[', '{':
		start := j.position
		if !j.skipComposite() {
			return rowCell{}, errJSON
		}
		return rowCell{text: j.input[start:j.position], kind: kindJSON}, nil
	}
	return j.readBare()
}

func (j *jsonScanner) readBare() (rowCell, error) {
	start := j.position
	for j.position < len(j.input) && !strings.ContainsRune(",]} \t\r\n", rune(j.input[j.position])) {
		j.position++
	}
	word := j.input[start:j.position]
	switch {
	case word == "null":
		return rowCell{kind: kindNull}, nil
	case word == "" || j.position == len(j.input):
		return rowCell{}, errJSON
	case word == "true" || word == "false" || word[0] == '-' || word[0]-'0' <= 9:
		return rowCell{text: word, kind: kindBare}, nil
	}
	return rowCell{}, errJSON
}

func (j *jsonScanner) skipComposite() bool {
	// Nesting is counted, not recursed into: it may be of any depth.
	depth := 0
	for j.position < len(j.input) {
		switch j.input[j.position] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				j.position++
				return true
			}
		case '"':
			if _, _, ok := j.readString(); !ok {
				return false
			}
			continue
		}
		j.position++
	}
	return false
}

// eachElement calls read for each element between two brackets.
func (j *jsonScanner) eachElement(opening, closing byte, read func() error) error {
	if !j.consumeByte(opening) {
		return errJSON
	}
	for more := !j.consumeByte(closing); more; {
		if err := read(); err != nil {
			return err
		}
		if more = !j.consumeByte(closing); more && !j.consumeByte(',') {
			return errJSON
		}
	}
	return nil
}
