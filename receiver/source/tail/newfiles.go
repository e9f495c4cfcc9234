package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/compression"
)

// newFile is a file that no scan before has shown, or whose content is new.
type newFile struct {
	*trackedFile

	head textHead
}

func (r *folderReader) addNewFiles(ctx context.Context, unknown []File) {
	files := r.openNewFiles(ctx, unknown)
	for _, f := range files {
		r.resumeShortCopy(f.trackedFile)
	}
	// Those last seen at the same path first, so that a copy does not take their cursors.
	for _, samePath := range []bool{true, false} {
		for _, f := range files {
			if f.record == nil {
				r.resumeByCursor(ctx, f, samePath)
			}
		}
	}
	originals := slices.Clone(r.files)
	for _, f := range files {
		if f.record != nil {
			originals = append(originals, f.trackedFile)
		}
	}
	for _, compressed := range []bool{false, true} {
		for _, f := range files {
			if f.record == nil && f.compressed == compressed && r.beginUnlessCopy(ctx, f, originals) {
				originals = append(originals, f.trackedFile)
			}
		}
	}
	for _, f := range files { // in the order of their last change, which is that of reading
		if f.record != nil {
			r.files = append(r.files, f.trackedFile)
		}
	}
	if r.cursors.indexDirty {
		err := r.cursors.saveIndex(ctx)
		if err != nil && r.SkipExisting && r.cursors.firstStart {
			err = source.ExplainUnsavedStart(err)
		}
		r.problems.reportIndex(err)
	}
}

func (r *folderReader) openNewFiles(ctx context.Context, unknown []File) (files []newFile) {
	notRead := make(map[string]FileInfo, len(unknown))
	for _, found := range unknown {
		notRead[found.Path] = found.Info
		if r.isKnownCopy(found) {
			continue
		}
		text, compressed, err := readFileHead(ctx, r.Folder, found.Path)
		switch {
		case r.isBeingCompressed(found, text, compressed, err):
			continue
		case err != nil:
			r.reportProblem(found.Path, err)
			continue
		}
		f := &trackedFile{fileIdentity: fileIdentity{
			path: found.Path, info: found.Info, compressed: compressed, start: text, opening: bytes.Clone(text[:min(len(text), openingSize)]),
		}}
		f.activity.unlisted = r.unlisted[found.Path]
		files = append(files, newFile{f, textHead{text: text}})
	}
	r.notRead = notRead
	for path := range r.copies {
		if notRead[path] == nil {
			delete(r.copies, path)
		}
	}
	return files
}

// tornFor is how long a compressed file may stay unfinished before that is a problem.
const tornFor = time.Minute

var compressedName = regexp.MustCompile(`\.(gz|zst|zstd)(\.[^.]*)?$`)

func (r *folderReader) isBeingCompressed(f File, text []byte, compressed bool, err error) bool {
	torn := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	early := len(text) < compression.MagicLength && (compressed || compressedName.MatchString(f.Path))
	return r.Follow && (torn || early && err == nil) && r.scannedAt.Sub(f.Info.ModTime()) < tornFor
}

func (r *folderReader) resumeByCursor(ctx context.Context, f newFile, samePath bool) {
	record, err := r.cursors.findRecord(ctx, r.Folder, f.trackedFile, &f.head, samePath)
	if err != nil {
		r.reportProblem(f.path, err)
	}
	if record != nil {
		f.record, record.owner = record, f.trackedFile
		f.trustCursor()
	}
}

func (r *folderReader) beginUnlessCopy(ctx context.Context, f newFile, originals []*trackedFile) bool {
	if r.findOriginal(ctx, File{f.path, f.info}, f.head.text, originals) || r.unreachable != nil {
		return false
	}
	if r.resumeOutgrownCopy(f.trackedFile) {
		return true
	}
	start := textCursor{}
	if r.cursors.firstStart && !r.scanned && r.SkipExisting {
		start = textCursor{Path: f.path, Skip: f.info.Size()}
		if f.compressed {
			start.Skip = math.MaxInt64 // nobody has measured its text
		}
		start.HeadSize = int(min(start.Skip, int64(len(f.start))))
		start.Head = hashText(f.start[:start.HeadSize])
	}
	r.cursors.addRecord(f.trackedFile, start)
	return true
}
