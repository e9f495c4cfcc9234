package file

import (
	"context"
	"io"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/tail"
)

// NewImport makes the source that reads the files once, from their beginning or from where an earlier run of it came to, whatever cfg says of
// following and beginning. Include are paths, not globs. advance gets how many bytes of the files, as they lie, have been read, and how many
// were passed over since a run before has read them.
func NewImport(cfg Config, paths []string, instance string, advance func(read, skipped int64), set component.TelemetrySettings) (source.Source, error) {
	cfg.Include, cfg.Exclude = nil, nil
	for _, path := range paths {
		cfg.Include = append(cfg.Include, globSigns.Replace(path))
	}
	cfg.Follow, cfg.Initial = false, source.InitialBeginning
	src, err := New(cfg, instance, set)
	if err != nil {
		return nil, err
	}
	files := src.(*fileSource)
	files.settings.Folder = &watchedFolder{Folder: files.settings.Folder, advance: advance, reached: map[string]int64{}}
	files.settings.Where = strings.Join(paths, ", ")
	return files, nil
}

// globSigns makes a glob that matches a path alone.
var globSigns = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`)

// watchedFolder is a [tail.Folder] that reports how far its files are read, however often they are opened.
type watchedFolder struct {
	tail.Folder
	advance func(read, skipped int64)

	mu      sync.Mutex
	reached map[string]int64 // by path
}

func (w *watchedFolder) Open(ctx context.Context, path string) (tail.OpenFile, error) {
	f, err := w.Folder.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &watchedFile{OpenFile: f, folder: w, path: path}, nil
}

func (w *watchedFolder) noteReached(path string, position int64, read bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	more := position - w.reached[path]
	if more <= 0 {
		return
	}
	w.reached[path] = position
	if read {
		w.advance(more, 0)
	} else {
		w.advance(0, more)
	}
}

type watchedFile struct {
	tail.OpenFile
	folder   *watchedFolder
	path     string
	position int64
}

func (f *watchedFile) Read(b []byte) (int, error) {
	n, err := f.OpenFile.Read(b)
	f.position += int64(n)
	f.folder.noteReached(f.path, f.position, true)
	return n, err
}

func (f *watchedFile) Seek(offset int64, whence int) (position int64, err error) {
	position, err = f.OpenFile.Seek(offset, whence)
	if err == nil {
		f.position = position
		f.folder.noteReached(f.path, position, false)
	}
	return position, err
}

var _ io.ReadSeeker = (*watchedFile)(nil)
