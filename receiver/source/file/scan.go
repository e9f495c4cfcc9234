package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// diskFolder is a [tail.Folder] of the files of this machine that the configuration means. It is used by one goroutine.
type diskFolder struct {
	include, exclude []string
	listings         map[string]folderListing // by glob
	listed           int                      // files of the last listing
	unmatched        []string                 // globs that found nothing then
}

func newDisk(include, exclude []string) *diskFolder {
	return &diskFolder{include: include, exclude: exclude, listings: map[string]folderListing{}}
}

// diskInfo is what stat says of a file.
type diskInfo struct {
	id       fileID
	size     int64
	modified time.Time
}

func (i diskInfo) Size() int64        { return i.size }
func (i diskInfo) ModTime() time.Time { return i.modified }
func (i diskInfo) Key() any           { return i.id }

type diskFile struct{ *os.File }

func (f diskFile) Stat() (tail.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return infoOfOpen(f.File, info), nil
}

func (*diskFolder) Open(_ context.Context, path string) (tail.OpenFile, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// List is part of [tail.Folder]. Links to one file are one file.
func (d *diskFolder) List(_ context.Context, reportProblem func(path string, err error)) (files []tail.File, err error) {
	d.unmatched = nil
	files = make([]tail.File, 0, d.listed)
	for _, glob := range d.include {
		matched := false
		for _, path := range d.expandGlob(glob, reportProblem) {
			info, err := statRegular(path, path == glob)
			switch {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPassOver):
				continue
			case err != nil:
				reportProblem(path, err)
			default:
				files = append(files, tail.File{Path: path, Info: info})
			}
			matched = true
		}
		if !matched {
			d.unmatched = append(d.unmatched, glob)
		}
	}
	tail.SortFiles(files)
	seen := make(map[fileID]bool, len(files))
	files = slices.DeleteFunc(files, func(f tail.File) bool {
		id := f.Info.(diskInfo).id
		known := seen[id]
		seen[id] = true
		return known
	})
	d.listed = len(files)
	return files, nil
}

// rotatedName is what rotations add to a name, or put before its last part.
var rotatedName = regexp.MustCompile(`^[._-]?([0-9][0-9TZ._:-]*|old|prev|bak)(\.gz|\.zst)?$`)

// Siblings are what rotations of path may have made.
func (d *diskFolder) Siblings(path string) (siblings []tail.File) {
	folder, name := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil // List says so
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	for _, entry := range entries {
		added, ok := strings.CutPrefix(entry.Name(), name)
		if !ok && ext != "" && stem != "" { // logrotate's `extension`
			added, ok = strings.CutPrefix(entry.Name(), stem)
			added = strings.Replace(added, ext, "", 1)
		}
		if !ok || !rotatedName.MatchString(added) || d.isExcluded(folder+entry.Name()) {
			continue
		}
		if info, err := statRegular(folder+entry.Name(), false); err == nil {
			siblings = append(siblings, tail.File{Path: folder + entry.Name(), Info: info})
		}
	}
	return siblings
}

func (d *diskFolder) Unmatched() []string { return d.unmatched }

// folderListing is what a glob found in a folder that has not changed since.
type folderListing struct {
	paths    []string
	modified time.Time // of the folder
}

// settledFolder is how old the last change of a folder must be for its time to tell the next one: some file systems count in
// seconds.
const settledFolder = 3 * time.Second

func (d *diskFolder) expandGlob(glob string, reportProblem func(string, error)) (paths []string) {
	folder, pattern := doublestar.SplitPattern(glob)
	if !strings.ContainsAny(pattern, `*?[{\`) {
		if d.isExcluded(glob) {
			return nil
		}
		return []string{glob}
	}
	// A glob passes silently over what it may not enter.
	modified, err := tryFolder(folder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			reportProblem(folder, err)
		}
		return nil
	}
	oneFolder := !strings.ContainsAny(pattern, `/{`) && !strings.Contains(pattern, "**")
	if known, ok := d.listings[glob]; ok && oneFolder && known.modified.Equal(modified) {
		return known.paths
	}
	begun := time.Now()
	paths, err = doublestar.FilepathGlob(glob, doublestar.WithNoFollow())
	if err != nil {
		reportProblem(glob, err)
	}
	paths = slices.DeleteFunc(paths, d.isExcluded)
	if oneFolder && begun.Sub(modified) > settledFolder {
		d.listings[glob] = folderListing{paths, modified}
	} else {
		delete(d.listings, glob)
	}
	return paths
}

func tryFolder(folder string) (modified time.Time, err error) {
	// Only opening shows whether its names may be read.
	f, err := os.Open(folder)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

func (d *diskFolder) isExcluded(path string) bool {
	return slices.ContainsFunc(d.exclude, func(glob string) bool { return doublestar.PathMatchUnvalidated(glob, path) })
}

var errPassOver = errors.New("nothing to read")

// statRegular refuses what a read could hang on. A glob may well match folders; a path that was written out may not be one.
func statRegular(path string, written bool) (diskInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return diskInfo{}, err
	case info.Mode().IsRegular():
		return diskInfoOf(path, info), nil
	case info.IsDir() && !written:
		return diskInfo{}, errPassOver
	case info.IsDir():
		return diskInfo{}, errors.New("is a folder: write a glob under include, as folder/*.jsonl")
	}
	return diskInfo{}, fmt.Errorf("is no regular file but %s: only files and links to files are read", info.Mode().Type())
}
