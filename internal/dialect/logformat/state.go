package logformat

import (
	"strings"
	"unicode/utf8"
)

// escaped stands before a text whose bytes are written as the code points of the same number.
const escaped = "\x00"

// Portable gives a text that JSON can hold for any text. Names that clients choose need not be UTF-8, and JSON would put
// U+FFFD for such bytes: after a restart the same login would be told with another name. [Verbatim] undoes it.
func Portable(s string) string {
	if utf8.ValidString(s) && !strings.HasPrefix(s, escaped) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return escaped + string(runes)
}

// Verbatim gives the text that [Portable] was given.
func Verbatim(s string) string {
	s, found := strings.CutPrefix(s, escaped)
	if !found {
		return s
	}
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		raw = append(raw, byte(r))
	}
	return string(raw)
}
