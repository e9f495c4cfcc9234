package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// View is the current text of a view. Tables migrate by number; views are made anew where they differ.
type View struct {
	Name string
	SQL  string // CREATE VIEW …, without the comment before it and the semicolon behind it
}

var leadingComment = regexp.MustCompile(`^(?:--.*\n)+`)

// MustReadViews reads a folder with a file for each view, in the order of their names. It panics where a file does not make the view that it
// is named after.
func MustReadViews(files fs.FS, folder string) (all []View) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		name, isView := strings.CutSuffix(e.Name(), ".sql")
		if !isView {
			continue
		}
		text, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			panic(err)
		}
		sql := strings.TrimSuffix(strings.TrimSpace(leadingComment.ReplaceAllString(string(text), "")), ";")
		if !strings.HasPrefix(sql, "CREATE VIEW "+name+" AS\n") {
			panic(folder + "/" + e.Name() + " does not begin with CREATE VIEW " + name + " AS")
		}
		all = append(all, View{name, sql})
	}
	return all
}

// Digest tells one text of a view from another, in 16 hexadecimal digits.
func Digest(sql string) string {
	hash := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(hash[:8])
}

// QuotedNames are the names of all these views as SQL lists them.
func QuotedNames(all []View) string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = "'" + v.Name + "'"
	}
	return strings.Join(names, ", ")
}
