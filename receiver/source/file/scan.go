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

// disk is the files of this machine that the configuration means. It is used by one goroutine.
type disk struct {
	include, exclude []string
	listings         map[string]folderListing // by glob
	found            []tail.File              // as the globs found them last
	files            []tail.File              // of them, each once and in order
	unmatched        []string                 // globs that found nothing
}

func newDisk(include, exclude []string) *disk {
	return &disk{include: include, exclude: exclude, listings: map[string]folderListing{}}
}

// diskInfo is what stat says of a file.
type diskInfo struct {
	id       fileID
	size     int64
	modified time.Time
	mode     fs.FileMode
}

func (i diskInfo) Size() int64        { return i.size }
func (i diskInfo) ModTime() time.Time { return i.modified }
func (i diskInfo) Key() any           { return i.id }

type diskFile struct{ *os.File }

func (f diskFile) Stat() (tail.Info, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	i := infoOf(info)
	return &i, nil
}

// Open is part of [tail.Folder].
func (*disk) Open(_ context.Context, path string) (tail.Handle, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// List is part of [tail.Folder]. Links to one file are one file. Where nothing has changed, nothing is sorted or allocated anew:
// folders may have thousands of files, and are looked at every second.
func (d *disk) List(_ context.Context, complain func(path string, err error)) ([]tail.File, error) {
	d.unmatched = nil
	found := foundFiles{before: d.found}
	for _, glob := range d.include {
		if !d.lookUp(glob, &found, complain) {
			d.unmatched = append(d.unmatched, glob)
		}
	}
	if found.same() {
		return d.files, nil
	}
	d.found = found.files()
	seen := make(map[fileID]bool, len(d.found))
	d.files = slices.Clone(d.found)
	tail.Order(d.files)
	d.files = slices.DeleteFunc(d.files, func(f tail.File) bool {
		id := f.Info.(*diskInfo).id
		had := seen[id]
		seen[id] = true
		return had
	})
	return d.files, nil
}

// lookUp adds what a glob finds, and tells whether that was anything.
func (d *disk) lookUp(glob string, found *foundFiles, complain func(path string, err error)) (any bool) {
	folder, paths := d.expand(glob, complain)
	if folder != nil {
		defer func() { _ = folder.Close() }()
	}
	for _, path := range paths {
		info, err := statIn(folder, path)
		if err == nil {
			err = readable(info, path == glob)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errPassOver):
			continue
		case err != nil:
			complain(path, err)
		default:
			found.add(path, info)
		}
		any = true
	}
	return any
}

// foundFiles collects files, and notices where they are those of the look before.
type foundFiles struct {
	before []tail.File
	n      int         // how many there are
	now    []tail.File // nil as long as they are the first n of before
}

func (f *foundFiles) add(path string, info diskInfo) {
	f.n++
	if f.now == nil {
		if f.n <= len(f.before) && f.before[f.n-1].Path == path && *f.before[f.n-1].Info.(*diskInfo) == info {
			return
		}
		f.now = append(make([]tail.File, 0, max(f.n, len(f.before))), f.before[:f.n-1]...)
	}
	f.now = append(f.now, tail.File{Path: path, Info: &info})
}

func (f *foundFiles) same() bool { return f.now == nil && f.n == len(f.before) }

func (f *foundFiles) files() []tail.File {
	if f.now == nil {
		return f.before[:f.n]
	}
	return f.now
}

// rotatedName is what rotations add to a name, or put before its last part.
var rotatedName = regexp.MustCompile(`^[._-]?([0-9][0-9TZ._:-]*|old|prev|bak)(\.gz|\.zst)?$`)

// Siblings are what rotations of path may have made.
func (d *disk) Siblings(path string) (siblings []tail.File) {
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
		if !ok || !rotatedName.MatchString(added) || d.excluded(folder+entry.Name()) {
			continue
		}
		if info, err := statFile(folder + entry.Name()); err == nil && info.mode.IsRegular() {
			siblings = append(siblings, tail.File{Path: folder + entry.Name(), Info: &info})
		}
	}
	return siblings
}

// Unmatched gives the globs that found nothing when the files were listed last.
func (d *disk) Unmatched() []string { return d.unmatched }

// folderListing is what a glob found in a folder that has not changed since.
type folderListing struct {
	paths    []string
	modified time.Time // of the folder
}

// settledFolder is how old the last change of a folder must be for its time to tell the next one: some file systems count in
// seconds.
const settledFolder = 3 * time.Second

// expand does not follow links to folders where a glob says **: they may lead in circles. A glob passes silently over what
// it may not enter, so its fixed part is looked at here. Where all paths lie in one folder, that is given too, still open.
func (d *disk) expand(glob string, complain func(string, error)) (in *os.File, paths []string) {
	folder, pattern := doublestar.SplitPattern(glob)
	if !strings.ContainsAny(pattern, `*?[{\`) {
		if d.excluded(glob) {
			return nil, nil
		}
		return nil, []string{glob}
	}
	in, modified, err := openFolder(folder)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			complain(folder, err)
		}
		return nil, nil
	}
	oneFolder := !strings.ContainsAny(pattern, `/{`) && !strings.Contains(pattern, "**")
	if !oneFolder {
		_ = in.Close()
		in = nil
	}
	if had, ok := d.listings[glob]; ok && oneFolder && had.modified.Equal(modified) {
		return in, had.paths
	}
	looked := time.Now()
	paths, err = doublestar.FilepathGlob(glob, doublestar.WithNoFollow())
	if err != nil {
		complain(glob, err)
	}
	paths = slices.DeleteFunc(paths, d.excluded)
	if oneFolder && looked.Sub(modified) > settledFolder {
		d.listings[glob] = folderListing{paths, modified}
	} else {
		delete(d.listings, glob)
	}
	return in, paths
}

// openFolder opens the folder, for only that shows whether its names may be read.
func openFolder(folder string) (*os.File, time.Time, error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, time.Time{}, err
	}
	return f, info.ModTime(), nil
}

func (d *disk) excluded(path string) bool {
	return slices.ContainsFunc(d.exclude, func(glob string) bool { return doublestar.PathMatchUnvalidated(glob, path) })
}

var errPassOver = errors.New("nothing to read")

// readable refuses what a read could hang on. A glob may well match folders; a path that was written out may not be one.
func readable(info diskInfo, written bool) error {
	switch {
	case info.mode.IsRegular():
		return nil
	case info.mode.IsDir() && !written:
		return errPassOver
	case info.mode.IsDir():
		return errors.New("is a folder: write a glob under include, as folder/*.jsonl")
	}
	return fmt.Errorf("is no regular file but %s: only files and links to files are read", info.mode.Type())
}
