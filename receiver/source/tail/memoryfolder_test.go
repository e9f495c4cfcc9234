package tail_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// memoryDisk is files in memory, which keep their identity when they are renamed, as inodes do. A bubble's clock is theirs.
type memoryDisk struct {
	mu         sync.Mutex
	files      map[string]*memoryFile // by path
	lastInode  int
	beforeOpen func(path string) // what happens between two steps of a scan
}

type memoryFile struct {
	disk     *memoryDisk
	inode    int
	text     []byte
	modified time.Time
}

// inMemory runs a test on a disk in memory, in a bubble where waiting takes no time.
func inMemory(t *testing.T, test func(t *testing.T, disk *memoryDisk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(testStart)) // the bubble's clock begins in 2000
		test(t, &memoryDisk{files: map[string]*memoryFile{}, beforeOpen: func(string) {}})
	})
}

// testStart is later than all lines of the tests.
var testStart = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// change does something with the file of a path, which is made where it is not there. Each change has a time of its own.
func (d *memoryDisk) change(path string, do func(f *memoryFile)) {
	time.Sleep(time.Microsecond)
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.files[path]
	if f == nil {
		d.lastInode++
		f = &memoryFile{disk: d, inode: d.lastInode}
		d.files[path] = f
	}
	do(f)
	f.modified = time.Now()
}

func (d *memoryDisk) write(path, text string) {
	d.change(path, func(f *memoryFile) { f.text = []byte(text) })
}

func (d *memoryDisk) append(path, text string) {
	d.change(path, func(f *memoryFile) { f.text = append(slices.Clip(f.text), text...) })
}

// writeAt writes as a program that does not append: what is not there becomes a hole.
func (d *memoryDisk) writeAt(path, text string, offset int) {
	d.change(path, func(f *memoryFile) {
		grown := make([]byte, max(len(f.text), offset+len(text)))
		copy(grown, f.text)
		copy(grown[offset:], text)
		f.text = grown
	})
}

func (d *memoryDisk) truncate(path string) { d.write(path, "") }

func (d *memoryDisk) read(path string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return string(d.files[path].text)
}

func (d *memoryDisk) copyFile(from, to string) { d.write(to, d.read(from)) }

func (d *memoryDisk) rename(from, to string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[to] = d.files[from]
	delete(d.files, from)
}

func (d *memoryDisk) remove(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.files, path)
}

func (d *memoryDisk) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.files)
}

func (d *memoryDisk) setTime(path string, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[path].modified = at
}

// globs is the part of a disk that some globs include.
type globs struct {
	*memoryDisk
	include []string
}

// List is part of [tail.Folder].
func (g globs) List(context.Context, func(string, error)) (files []tail.File, err error) {
	files = g.find(func(path string) bool {
		return slices.ContainsFunc(g.include, func(glob string) bool {
			matches, _ := filepath.Match(glob, path)
			return matches
		})
	})
	tail.SortFiles(files)
	return files, nil
}

// siblings is [tail.Settings.Siblings].
func (g globs) siblings(path string) []tail.File {
	return g.find(func(other string) bool {
		added, found := strings.CutPrefix(other, path)
		return found && added != "" && strings.Trim(added, ".-gz0123456789") == ""
	})
}

func (g globs) find(wanted func(path string) bool) (files []tail.File) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for path, f := range g.files {
		if wanted(path) {
			files = append(files, tail.File{Path: path, Info: f.info()})
		}
	}
	return files
}

// Open is part of [tail.Folder].
func (g globs) Open(_ context.Context, path string) (tail.OpenFile, error) {
	g.beforeOpen(path)
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.files[path]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return &memoryHandle{memoryFile: f}, nil
}

type memoryInfo struct {
	inode    int
	size     int64
	modified time.Time
}

func (f *memoryFile) info() memoryInfo { return memoryInfo{f.inode, int64(len(f.text)), f.modified} }

func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) ModTime() time.Time { return i.modified }
func (i memoryInfo) Key() any           { return i.inode }

// memoryHandle stays at its file, whatever becomes of the path.
type memoryHandle struct {
	*memoryFile
	at int64
}

func (h *memoryHandle) ReadAt(p []byte, at int64) (n int, err error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if at < int64(len(h.text)) {
		n = copy(p, h.text[at:])
	}
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (h *memoryHandle) Read(p []byte) (int, error) {
	n, err := h.ReadAt(p, h.at)
	h.at += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (h *memoryHandle) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekStart {
		return 0, errors.ErrUnsupported
	}
	h.at = offset
	return offset, nil
}

func (h *memoryHandle) Stat() (tail.FileInfo, error) {
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	return h.info(), nil
}

func (h *memoryHandle) Close() error { return nil }
