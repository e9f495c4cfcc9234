package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// seen is a file that a scan found.
type seen struct {
	path string
	info os.FileInfo
}

// scan lists the files that the configuration means, those changed longest ago first: rotated ones before the one that is
// written. What it cannot look at is told to complain, and the others go on.
func scan(cfg Config, complain func(path string, err error)) []seen {
	var files []seen
	taken := map[string]bool{}
	for _, glob := range cfg.Include {
		for _, path := range expand(glob, complain) {
			if taken[path] || excluded(cfg.Exclude, path) {
				continue
			}
			taken[path] = true
			info, err := os.Stat(path)
			if err == nil {
				err = readable(info, path == glob)
			}
			switch {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPassOver):
			case err != nil:
				complain(path, err)
			default:
				files = append(files, seen{path, info})
			}
		}
	}
	slices.SortFunc(files, func(a, b seen) int {
		if c := a.info.ModTime().Compare(b.info.ModTime()); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return slices.CompactFunc(files, sameFile)
}

// sameFile tells links to one file, which have the same time, so that it is not read twice.
func sameFile(a, b seen) bool {
	return a.info.ModTime().Equal(b.info.ModTime()) && os.SameFile(a.info, b.info)
}

// expand does not follow links to folders where a glob says **: they may lead in circles. A glob passes silently over what
// it may not enter, so its fixed part is looked at here.
func expand(glob string, complain func(string, error)) []string {
	folder, pattern := doublestar.SplitPattern(glob)
	if !strings.ContainsAny(pattern, `*?[{\`) {
		return []string{glob}
	}
	if _, err := os.ReadDir(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		complain(folder, err)
		return nil
	}
	paths, err := doublestar.FilepathGlob(glob, doublestar.WithNoFollow())
	if err != nil {
		complain(glob, err)
	}
	return paths
}

func excluded(globs []string, path string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool { return doublestar.PathMatchUnvalidated(glob, path) })
}

var errPassOver = errors.New("nothing to read")

// readable refuses what a read could hang on. A glob may well match folders; a path that was written out may not be one.
func readable(info os.FileInfo, written bool) error {
	switch {
	case info.Mode().IsRegular():
		return nil
	case info.IsDir() && !written:
		return errPassOver
	case info.IsDir():
		return errors.New("is a folder: write a glob under include, as folder/*.jsonl")
	}
	return fmt.Errorf("is no regular file but %s: only files and links to files are read", info.Mode().Type())
}
