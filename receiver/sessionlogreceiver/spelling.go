package sessionlogreceiver

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
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
// by halves. Spaces around a name are not part of it: messages drop them.
func spellings(name string) []string {
	if bare := strings.TrimSpace(name); bare != "" {
		name = bare
	}
	if !escapable(name) {
		return []string{name}
	}
	out := []string{
		name, backslashed(name), strings.ReplaceAll(name, `"`, `""`), strings.ReplaceAll(name, `'`, `''`),
		inJSON(name, true), inJSON(name, false), strings.ToValidUTF8(name, "\uFFFD"),
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(out)
}

// backslashed is the spelling of SQL literals and tab-separated rows.
func backslashed(name string) string {
	return strings.NewReplacer(
		`\`, `\\`, `'`, `\'`, "`", "\\`", "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`, "\b", `\b`, "\f", `\f`,
	).Replace(name)
}

// inJSON is the spelling within a JSON string. Writers differ in the slash and in HTML's characters: careful ones escape both.
func inJSON(name string, careful bool) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(careful)
	if encoder.Encode(name) != nil { // no string makes it fail
		return name
	}
	text := strings.TrimSuffix(b.String(), "\n")
	text = text[1 : len(text)-1]
	if careful {
		text = strings.ReplaceAll(text, "/", `\/`)
	}
	return text
}
