package export

import (
	"errors"
	"strconv"
	"strings"
)

var errEscape = errors.New("a broken escape sequence")

// controlEscapes are the letters that follow a backslash in ClickHouse's own escaping.
var controlEscapes = map[byte]byte{'a': 7, 'b': 8, 't': 9, 'n': 10, 'v': 11, 'f': 12, 'r': 13, 'e': 27, '0': 0}

// unescapeBackslashes decodes ClickHouse's own escaping, that of TSV cells and of strings inside arrays. As the server does when
// it reads, a backslash before any other character stands for that character.
func unescapeBackslashes(raw string) (string, error) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(raw, "\\")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if after == "" {
			return "", errEscape
		}
		c := after[0]
		raw = after[1:]
		if control, isControl := controlEscapes[c]; isControl {
			c = control
		} else if c == 'x' {
			n, err := strconv.ParseUint(raw[:min(len(raw), 2)], 16, 8)
			if err != nil || len(raw) < 2 {
				return "", errEscape
			}
			c, raw = byte(n), raw[2:]
		}
		b.WriteByte(c)
	}
}
