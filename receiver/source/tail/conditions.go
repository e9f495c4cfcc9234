package tail

import (
	"bytes"
	"fmt"
	"slices"

	"go.uber.org/zap"
)

// UnmatchedLister is a [Folder] that knows which parts of its configuration found nothing when it was listed last.
type UnmatchedLister interface{ Unmatched() []string }

// maxNamedFiles bounds the warnings that name a file each; of further ones the number is told.
const maxNamedFiles = 20

// tellUnmatched warns of what was configured and is not there. A source that has no file at all does not work.
func (r *reader) tellUnmatched(found int) {
	unmatched, key := map[string]bool{}, "where"
	if l, ok := r.Folder.(UnmatchedLister); ok {
		key = "include"
		var err error
		for _, glob := range l.Unmatched() {
			unmatched[glob] = true
			if found == 0 {
				err = fmt.Errorf("%s: there is no file to read", glob)
			}
		}
		r.deliver.health.set("include", err)
	} else if found == 0 {
		unmatched[r.Where] = true
	}
	for glob := range unmatched {
		r.unmatched[glob] = true
		r.conditions.Raise("unmatched "+glob, "there is no file to read, so nothing is told: check the path, whether its folder may be entered, "+
			"and whether the log is written at all", zap.String(key, glob))
	}
	for glob := range r.unmatched {
		if !unmatched[glob] {
			delete(r.unmatched, glob)
			r.conditions.Clear("unmatched "+glob, "there is a file to read", zap.String(key, glob))
		}
	}
}

// tellProblems warns of files that cannot be read, as long as they cannot.
func (r *reader) tellProblems() {
	paths := make([]string, 0, len(r.problems))
	for path := range r.problems {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths[:min(len(paths), maxNamedFiles)] {
		fields := []zap.Field{zap.String("file", path), zap.String("reason", r.problems[path])}
		if remedy := r.remedies[path]; remedy != "" {
			fields = append(fields, zap.String("remedy", remedy))
		}
		r.conditions.Raise("file "+path, "a file cannot be read: nothing of it is told", fields...)
	}
	if more := len(paths) - maxNamedFiles; more > 0 {
		r.conditions.Raise("files", "further files cannot be read", zap.Int("files", more))
	} else {
		r.conditions.Clear("files", "no further files are unreadable than those that are named")
	}
}

// tellUnreadable warns of a file of which every line was bad.
func (r *reader) tellUnreadable(t *tail) {
	const fewLines = 3
	condition := "lines " + t.path
	if t.bad >= fewLines && t.bad == t.parsed {
		t.allBad = true
		r.conditions.Raise(condition, "no line of a file can be read: write its true format under the key format, and log_line_prefix as the server has it",
			zap.String("file", t.path), zap.String("format", t.format.Name), zap.Int("lines", t.bad))
	} else if t.allBad {
		t.allBad = false
		r.conditions.Clear(condition, "lines of the file can be read", zap.String("file", t.path))
	}
}

// contentKinds are what other programs' files begin with.
var contentKinds = []struct{ begins, kind string }{
	{"LPKSHHRH", "a systemd journal, which is no text"},
	{"\xfd7zXZ", "xz, which is not read: gzip and zstd are"},
	{"BZh", "bzip2, which is not read: gzip and zstd are"},
	{"PK\x03\x04", "a zip archive"},
	{"SQLite format 3", "a SQLite database"},
	{"\xff\xfe", "UTF-16: write UTF-8"},
	{"\xfe\xff", "UTF-16: write UTF-8"},
	{"{", "a JSON object"},
	{"[", "text that begins with a bracket, or a JSON array"},
	{"<", "XML, or syslog with a priority"},
	{"#", "text that begins with a comment"},
	{"\"", "CSV"},
}

// contentKind says what a text begins like, and nothing of its content.
func contentKind(text []byte) string {
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
