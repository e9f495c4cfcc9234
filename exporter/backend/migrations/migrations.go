// Package migrations reads the numbered files that make a backend's schema.
package migrations

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// File is one migration.
type File struct {
	Version int    // its number
	Name    string // 0001_session_events
	SQL     string
}

// MustRead reads the files of a folder in the order of their numbers, which run from 1 without a gap. It panics where they do not: they
// are part of the program.
func MustRead(files fs.FS, folder string) (all []File) {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic(err)
	}
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		version, err := strconv.Atoi(number)
		text, readErr := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil || readErr != nil || version != i+1 {
			panic(folder + ": migrations must be numbered 0001, 0002, …: " + e.Name())
		}
		all = append(all, File{version, strings.TrimSuffix(e.Name(), ".sql"), string(text)})
	}
	return all
}
