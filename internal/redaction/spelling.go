package redaction

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
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

// isPlain tells a name that every format writes as it is.
func isPlain(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return name != ""
}

// longName is where a name is no name: a dozen spellings of megabytes would cost more than they hide, and its original is dropped anyway.
const longName = 64 << 10

// spellings are the ways in which a name may stand in a server's message, a column or an attribute, the longest first, so that none is
// hidden by halves. Spaces around a name are not part of it: messages drop them.
func spellings(name string) []string {
	if bare := strings.TrimSpace(name); bare != "" {
		name = bare
	}
	if isPlain(name) {
		return []string{name}
	}
	out := []string{name, url.QueryEscape(name), url.PathEscape(name)}
	switch {
	case len(name) > longName:
		out = append(out, inJSON(name, true), inJSON(name, false))
	case escapable(name):
		out = append(out,
			backslashed(name), strings.ReplaceAll(name, `"`, `""`), strings.ReplaceAll(name, `'`, `''`),
			inJSON(name, true), inJSON(name, false), inASCII(name), strings.ToValidUTF8(name, "\uFFFD"), html.EscapeString(name),
			strings.ToUpper(name), strings.ToLower(name), escapedBytes(name, `\x%02x`), escapedBytes(name, `\%03o`), escapedBytes(name, `#%03o`), escapedBytes(name, "?"),
		)
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" || strings.Trim(s, "?") == "" && s != name })
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(out)
}

// escapedBytes writes what is not printable ASCII byte by byte: as sshd (\303), PostgreSQL (\xc3, ? in its older versions) and rsyslog
// (#303) do.
func escapedBytes(name, format string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		case strings.Contains(format, "%"):
			fmt.Fprintf(&b, format, c)
		default:
			b.WriteString(format)
		}
	}
	return b.String()
}

// inASCII is the spelling within JSON of writers that escape all that is not ASCII.
func inASCII(name string) string {
	var b strings.Builder
	for _, r := range inJSON(name, false) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
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

// lowerASCII keeps the length of every text, which strings.ToLower does not.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
