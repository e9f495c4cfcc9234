package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// disk is the files of this machine that the configuration means.
type disk struct{ include, exclude []string }

type diskInfo struct{ os.FileInfo }

func (i diskInfo) Same(other tail.Info) bool {
	o, ok := other.(diskInfo)
	return ok && os.SameFile(i.FileInfo, o.FileInfo)
}

type diskFile struct{ *os.File }

func (f diskFile) Stat() (tail.Info, error) {
	info, err := f.File.Stat()
	return diskInfo{info}, err
}

// Open is part of [tail.Folder].
func (disk) Open(_ context.Context, path string) (tail.Handle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// List is part of [tail.Folder].
func (d disk) List(_ context.Context, complain func(path string, err error)) ([]tail.File, error) {
	var files []tail.File
	taken := map[string]bool{}
	for _, glob := range d.include {
		for _, path := range expand(glob, complain) {
			if taken[path] || excluded(d.exclude, path) {
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
				files = append(files, tail.File{Path: path, Info: diskInfo{info}})
			}
		}
	}
	tail.Order(files)
	return slices.CompactFunc(files, sameFile), nil
}

// sameFile tells links to one file, which have the same time, so that it is not read twice.
func sameFile(a, b tail.File) bool {
	return a.Info.ModTime().Equal(b.Info.ModTime()) && a.Info.Same(b.Info)
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
