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

// needsEscaping: some format escapes all but these characters.
func needsEscaping(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return false
		}
		return !strings.ContainsRune("_-.@+:=!#$*?~", r)
	}) >= 0
}

func isNeverEscaped(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return name != ""
}

// maxSpelledName bounds the cost: longer names are searched in fewer spellings, and their original is dropped anyway.
const maxSpelledName = 64 << 10

func nameSpellings(name string) []string {
	// Messages drop the spaces around a name.
	if bare := strings.TrimSpace(name); bare != "" {
		name = bare
	}
	if isNeverEscaped(name) {
		return []string{name}
	}
	out := []string{name, url.QueryEscape(name), url.PathEscape(name)}
	switch {
	case len(name) > maxSpelledName:
		out = append(out, escapeJSON(name, true), escapeJSON(name, false))
	case needsEscaping(name):
		out = append(out,
			escapeBackslash(name), strings.ReplaceAll(name, `"`, `""`), strings.ReplaceAll(name, `'`, `''`),
			escapeJSON(name, true), escapeJSON(name, false), escapeJSONToASCII(name), strings.ToValidUTF8(name, "\uFFFD"), html.EscapeString(name),
			strings.ToUpper(name), strings.ToLower(name), escapeBytes(name, `\x%02x`), escapeBytes(name, `\%03o`), escapeBytes(name, `#%03o`), escapeBytes(name, "?"),
		)
	}
	out = slices.DeleteFunc(out, func(s string) bool { return s == "" || strings.Trim(s, "?") == "" && s != name })
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(out)
}

// escapeBytes escapes what is not printable ASCII as sshd (\303), PostgreSQL (\xc3, ? in its older versions) and rsyslog (#303) do.
func escapeBytes(name, format string) string {
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

func escapeJSONToASCII(name string) string {
	var b strings.Builder
	for _, r := range escapeJSON(name, false) {
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

func escapeBackslash(name string) string {
	return strings.NewReplacer(
		`\`, `\\`, `'`, `\'`, "`", "\\`", "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`, "\b", `\b`, "\f", `\f`,
	).Replace(name)
}

// escapeJSON: writers differ in the slash and in HTML's characters, careful ones escape both.
func escapeJSON(name string, careful bool) string {
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

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
