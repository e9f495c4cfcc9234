package printing

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// VisibleText is a text in which nothing can move a cursor, turn the direction of what follows, or hide: such characters appear as \x1b, \u202e, \xff.
// Quotes show where a text begins or ends with a space, or is empty.
func VisibleText(text string) string {
	shown := text
	if !isHarmless(text) {
		shown = escapeHidden(text)
	}
	if shown == "" || shown[0] == ' ' || shown[len(shown)-1] == ' ' {
		return `"` + shown + `"`
	}
	return shown
}

// VisibleLines is the same for a text of lines, without quotes.
func VisibleLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if !isHarmless(line) {
			lines[i] = escapeHidden(line)
		}
	}
	return strings.Join(lines, "\n")
}

func isHarmless(text string) bool {
	for i, r := range text {
		if !unicode.IsPrint(r) || r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)) {
			return false
		}
	}
	return true
}

func escapeHidden(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		text = text[size:]
	}
	return b.String()
}
