package migrations

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.uber.org/zap"
)

// View is the current text of a view. Tables migrate by number; views are made anew where they differ.
type View struct {
	Name string
	SQL  string // CREATE VIEW …, without the comment before it and the semicolon after it
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

// ViewRevision is raised with every change of a view's text that no migration comes with: of two programs that use the same tables the one with
// the lower number leaves the views alone.
const ViewRevision = 2

// Comment is that of a view in the store: who made it, and from which text.
func (v View) Comment() string {
	return fmt.Sprintf("sessionlog %d %s", ViewRevision, ViewDigest(v.SQL))
}

// IsOfNewerProgram reports by a view's comment whether a newer program has made it.
func IsOfNewerProgram(comment string) bool {
	var revision int
	_, err := fmt.Sscanf(comment, "sessionlog %d ", &revision)
	return err == nil && revision > ViewRevision
}

// ViewNames are the names of views, for a message.
func ViewNames(all []View) (names []string) {
	for _, v := range all {
		names = append(names, v.Name)
	}
	return names
}

// WarnOfOldViews says which views somebody who manages the schema by hand has to make anew.
func WarnOfOldViews(log *zap.Logger, differing []View) {
	if len(differing) > 0 {
		log.Warn("create_schema: false: these views are missing or not as this program makes them: run their files of views/ by hand, or set create_schema: true",
			zap.Strings("views", ViewNames(differing)))
	}
}

// ViewDigest stands for the text of a view, in 16 hexadecimal digits.
func ViewDigest(sql string) string {
	hash := sha256.Sum256([]byte(sql))
	return hex.EncodeToString(hash[:8])
}

// QuotedNames are the names of all these views as SQL lists them.
func QuotedNames(all []View) string {
	return "'" + strings.Join(ViewNames(all), "', '") + "'"
}
