package postgresql

import (
	"strings"
	"unicode/utf8"
)

// Neither server stores a NUL character, nor text that is not UTF-8, and hostile clients send both. Each such byte is
// in the tables as one character of a private range, escapeBase plus the byte, which reads back as that byte. A character
// of that range that was there already is taken for four such bytes, so that every text has exactly one form and comes
// back as it was. SQL finds all such texts: user_name ~ '[\U0010FE00-\U0010FEFF]'. See docs/adr.
const (
	escapeBase = 0x10FE00
	escapeLead = 0xF4 // first byte of every character of that plane, rare enough to search for
)

func isStorable(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) && (strings.IndexByte(s, escapeLead) < 0 || !holdsEscape(s))
}

func holdsEscape(s string) bool { return strings.ContainsFunc(s, isEscapeRune) }

func isEscapeRune(r rune) bool { return r >= escapeBase && r <= escapeBase+0xFF }

func appendStorable(b []byte, s string) []byte {
	if isStorable(s) {
		return append(b, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == 0 || r == utf8.RuneError && n == 1 || isEscapeRune(r) {
			for _, c := range []byte(s[:n]) {
				b = utf8.AppendRune(b, escapeBase+rune(c))
			}
		} else {
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return b
}

func restoreText(s string) string {
	if strings.IndexByte(s, escapeLead) < 0 || !holdsEscape(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if isEscapeRune(r) {
			b = append(b, byte(r-escapeBase))
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}
