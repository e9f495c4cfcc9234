package sessionlogreceiver

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// escapable tells whether some format writes a name in another way than it is: all but the plainest characters.
func escapable(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return false
		}
		return !strings.ContainsRune("_-.@+:=!#$*?~", r)
	}) >= 0
}

// spellings are the ways in which a name may stand in a server's message or in a column, the longest first, so that none is hidden
// by halves.
func spellings(name string) []string {
	out := []string{name}
	if escapable(name) {
		out = append(out, backslashed(name), strings.ReplaceAll(name, `"`, `""`), strings.ReplaceAll(name, `'`, `''`))
		out = append(out, inJSON(name, true), inJSON(name, false), strings.ToValidUTF8(name, "\uFFFD"), trimmed(name))
	}
	slices.SortFunc(out, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
}

// backslashed is the spelling of SQL literals and tab-separated rows.
func backslashed(name string) string {
	return strings.NewReplacer(
		`\`, `\\`, `'`, `\'`, "`", "\\`", "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`, "\b", `\b`, "\f", `\f`,
	).Replace(name)
}

// inJSON is the spelling within a JSON string, whose writers differ in the slash and in HTML's characters.
func inJSON(name string, slash bool) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(slash)
	if encoder.Encode(name) != nil {
		return ""
	}
	text := strings.TrimSuffix(b.String(), "\n")
	text = text[1 : len(text)-1]
	if slash {
		text = strings.ReplaceAll(text, "/", `\/`)
	}
	return text
}

// trimmed is a name without the spaces that messages drop at their ends.
func trimmed(name string) string {
	if t := strings.TrimSpace(name); utf8.RuneCountInString(t) > 0 {
		return t
	}
	return ""
}
