package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// fileCopy is a file whose text is, as far as it goes, that of another which is being read: what gzip or cp make beside the
// original while a log is rotated. Nothing of it is delivered; when the original is gone, it goes on where that one was read to.
type fileCopy struct {
	original *trackedFile
	info     FileInfo // of the copy when it was compared
	length   int64    // of its text then
	outgrown bool     // it has more than its original, beyond what was delivered of that
}

func (r *folderReader) isKnownCopy(f File) bool {
	c, known := r.copies[f.Path]
	before := r.notRead[f.Path]
	if !known || before == nil || c.original.record.owner != c.original || !c.original.ownsCursor() {
		return false
	}
	// One that grows is compared again when it rests, or has grown to twice its size.
	rests := before.Size() == f.Info.Size()
	return isSameVersion(c.info, f.Info) || !rests && f.Info.Size() < 2*c.info.Size()
}

// findOriginal finds the original of a file that nobody knows, and remembers it.
func (r *folderReader) findOriginal(ctx context.Context, f File, text []byte, originals []*trackedFile) bool {
	for _, original := range originals {
		if original.path == f.Path && !original.activity.pathLost || !original.ownsCursor() || !original.mayBeginLike(text) {
			continue
		}
		if original.activity.pathLost { // it is on its way to its end, and cannot be compared
			return true
		}
		length, same, err := r.compareTexts(ctx, f.Path, original.path)
		if err != nil {
			r.reportProblem(f.Path, err)
			return true
		}
		if same {
			r.copies[f.Path] = fileCopy{original, f.Info, length, false}
			return true
		}
		if !r.isStillOriginal(ctx, original) {
			return true // truncated since the folder was scanned: the next scan decides
		}
		if delivered := original.record.cursor.Offset; delivered > 0 && length >= delivered {
			r.copies[f.Path] = fileCopy{original, f.Info, delivered, true}
			return false
		}
	}
	delete(r.copies, f.Path)
	return false
}

func (r *folderReader) isStillOriginal(ctx context.Context, f *trackedFile) bool {
	text, compressed, err := readFileHead(ctx, r.Folder, f.path)
	if err != nil || !f.mayBeginLike(text) {
		return false
	}
	same, err := f.record.cursor.matchesTail(ctx, r.Folder, f.path, compressed)
	return same && err == nil
}

func (r *folderReader) compareTexts(ctx context.Context, path, original string) (length int64, same bool, err error) {
	a, err := openStream(ctx, r.Folder, path)
	if err != nil {
		return 0, false, onlyUnreachable(err)
	}
	defer a.Close()
	b, err := openStream(ctx, r.Folder, original)
	if err != nil {
		return 0, false, onlyUnreachable(err)
	}
	defer b.Close()
	left, right := make([]byte, chunkSize), make([]byte, chunkSize)
	for {
		n, atEnd, err := a.fillBuffer(left)
		if errors.Is(err, ErrUnreachable) {
			return 0, false, err
		}
		m, err := io.ReadFull(&b.text, right[:n])
		if errors.Is(err, ErrUnreachable) {
			return 0, false, err
		}
		if m < n || !bytes.Equal(left[:n], right[:n]) {
			return length + commonLength(left[:n], right[:m]), false, nil
		}
		length += int64(n)
		if atEnd {
			return length, true, nil
		}
	}
}

func commonLength(a, b []byte) (n int64) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			break
		}
		n++
	}
	return n
}

func (r *folderReader) resumeShortCopy(f *trackedFile) {
	c, known := r.copies[f.path]
	unchanged := known && c.info.Size() == f.info.Size() && c.info.Key() == f.info.Key()
	if !unchanged || c.original.ownsCursor() || c.length >= c.original.position.next || !r.sharesState(c.original) { // or a part of the copy is still to be delivered
		return
	}
	size := min(int(c.length), len(f.start))
	r.beginCopy(f, textCursor{
		Path: f.path, HeadSize: size, Head: hashText(f.start[:size]), Offset: c.length, Anchor: c.length, Format: c.original.parsing.format.Name,
	})
}

// beginCopy makes a record for a copy that begins where its original was read to. What was read may still be under way, and then the
// copy is all that has it after a restart: the cursor is stored once all of it was delivered.
func (r *folderReader) beginCopy(f *trackedFile, start textCursor) {
	r.cursors.addRecord(f, start)
	f.record.unsaved = false
	if r.acquireBatch() == nil {
		r.batch.cursors = append(r.batch.cursors, storedCursor{f.record.storageKey(), start, false})
	}
}

func (r *folderReader) resumeOutgrownCopy(f *trackedFile) bool {
	c := r.copies[f.path]
	delete(r.copies, f.path)
	if c.outgrown {
		// The other's cursor is as good for this text, which has it wholly and goes beyond.
		start := c.original.record.cursor
		start.Path, start.Seq = f.path, 0
		r.beginCopy(f, start)
	}
	return c.outgrown
}

func (r *folderReader) isNowCopy(ctx context.Context, f *trackedFile, found File) bool {
	text, _, err := readFileHead(ctx, r.Folder, found.Path)
	if err != nil || len(text) == 0 || !r.findOriginal(ctx, found, text, r.files) {
		return false
	}
	r.releaseFile(f)
	return true
}
