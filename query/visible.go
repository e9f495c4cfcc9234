package query

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// VisibleText is a text for JSON, which has no place for bytes that are no UTF-8: each of them is written as \xff.
func VisibleText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[0])
		} else {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// SpreadsheetText is a text for a cell of CSV: what a spreadsheet would compute, because of its first character, gets an apostrophe before it.
func SpreadsheetText(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
