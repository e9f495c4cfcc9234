package tail

import (
	"bytes"
	"fmt"
)

// contentKinds are what other programs' files begin with.
var contentKinds = []struct{ begins, kind string }{
	{"LPKSHHRH", "a systemd journal, which is no text"},
	{"\xfd7zXZ", "xz, which is not read: gzip and zstd are"},
	{"BZh", "bzip2, which is not read: gzip and zstd are"},
	{"PK\x03\x04", "a zip archive"},
	{"SQLite format 3", "a SQLite database"},
	{"\xff\xfe", "UTF-16: write UTF-8"},
	{"\xfe\xff", "UTF-16: write UTF-8"},
	{"{", "a JSON object (events of applications and identity providers are for the source http)"},
	{"[", "text that begins with a bracket, or a JSON array"},
	{"<", "XML, or syslog with a priority"},
	{"#", "text that begins with a comment"},
	{"\"", "CSV"},
}

func describeContent(text []byte) string {
	if bytes.Contains(text, []byte("Access denied for user '")) {
		return "the error log of MySQL or MariaDB, which has failures alone (docs/recipes/mariadb.md: the audit log has logins)"
	}
	for _, k := range contentKinds {
		if bytes.HasPrefix(text, []byte(k.begins)) {
			return k.kind
		}
	}
	for _, c := range text[:min(len(text), 512)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != 0x1b {
			return "binary data"
		}
	}
	switch c := text[0]; {
	case c >= '0' && c <= '9':
		return "text that begins with a digit"
	case c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z':
		return "text that begins with a letter"
	}
	return fmt.Sprintf("text that begins with the byte 0x%02x", text[0])
}
