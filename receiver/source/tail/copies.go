package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"slices"
	"time"
)

// fileCopy is a file whose text is, as far as it goes, that of another which is being read: what gzip or cp make beside the
// original while a log is rotated. Nothing of it is told; when the original is gone, it goes on where that one was read to.
type fileCopy struct {
	original *tail
	info     Info  // of the copy when it was compared
	length   int64 // of its text then
	outgrown bool  // it has more than its original, behind what was told of that
}

// tornFor is how long a compressed file may rest unfinished before it is complained of.
const tornFor = time.Minute

// openingSize is how much of a text tells which other texts may be its copies.
const openingSize = 64

// opensLike tells whether two texts may be of the same content, as far as both go.
func (t *tail) opensLike(text []byte) bool {
	n := min(len(t.opening), len(text))
	if n == 0 || !bytes.Equal(t.opening[:n], text[:n]) {
		return false
	}
	if c := &t.record.cursor; c.HeadSize > 0 && len(text) >= c.HeadSize {
		return hash(text[:c.HeadSize]) == c.Head
	}
	n = min(len(t.start), len(text))
	return bytes.Equal(t.start[:n], text[:n])
}

// textsByOpening finds the texts that another may be a copy of.
type textsByOpening struct {
	all, short []*tail
	long       map[[openingSize]byte][]*tail
}

func (o *textsByOpening) add(t *tail) {
	o.all = append(o.all, t)
	if len(t.opening) < openingSize {
		o.short = append(o.short, t)
		return
	}
	if o.long == nil {
		o.long = map[[openingSize]byte][]*tail{}
	}
	key := [openingSize]byte(t.opening)
	o.long[key] = append(o.long[key], t)
}

func (o *textsByOpening) like(text []byte) []*tail {
	if len(text) < openingSize {
		return o.all
	}
	return slices.Concat(o.long[[openingSize]byte(text)], o.short)
}

// isKnownCopy tells whether a file still is the copy that it was. One that grows is compared again when it rests, or has
// grown to twice its size.
func (r *reader) isKnownCopy(f File) bool {
	c, known := r.copies[f.Path]
	if !known || c.original.record.owner != c.original || !c.original.holdsRecord() || r.looks[f.Path] == nil {
		return false
	}
	rests := r.looks[f.Path].Size() == f.Info.Size()
	changed := c.info.Size() != f.Info.Size() || !c.info.ModTime().Equal(f.Info.ModTime())
	return !changed || !rests && f.Info.Size() < 2*c.info.Size()
}

// holdsRecord tells whether a text is still read, or to be read to its end: no other takes over its cursor.
func (t *tail) holdsRecord() bool { return !t.drainedAway() && !t.forgotten }

// noteCopy finds the original of a file that nobody knows, and remembers it.
func (r *reader) noteCopy(ctx context.Context, f File, text []byte, among []*tail) bool {
	for _, t := range among {
		if t.path == f.Path && !t.gone || !t.holdsRecord() || !t.opensLike(text) {
			continue
		}
		if t.gone { // it is on its way to its end, and cannot be compared
			return true
		}
		length, same, err := r.compareTexts(ctx, f.Path, t.path)
		if err != nil {
			r.complain(f.Path, err)
			return true
		}
		if same {
			r.copies[f.Path] = fileCopy{t, f.Info, length, false}
			return true
		}
		if !r.isUnchanged(ctx, t) {
			return true // truncated since the folder was looked at: the next look decides
		}
		if told := t.record.cursor.Offset; told > 0 && length >= told {
			r.copies[f.Path] = fileCopy{t, f.Info, told, true}
			return false
		}
	}
	delete(r.copies, f.Path)
	return false
}

// isUnchanged tells whether a text still is what was read of it.
func (r *reader) isUnchanged(ctx context.Context, t *tail) bool {
	text, packed, err := head(ctx, r.Folder, t.path)
	if err != nil || !t.opensLike(text) {
		return false
	}
	same, err := t.record.cursor.goesOn(ctx, r.Folder, t.path, packed)
	return same && err == nil
}

// compareTexts tells whether the whole text of one file is the beginning of another's, and how much of both is the same. A compressed one may be torn as long as it
// is being written.
func (r *reader) compareTexts(ctx context.Context, path, original string) (length int64, same bool, err error) {
	a, err := open(ctx, r.Folder, path)
	if err != nil {
		return 0, false, unreachable(err)
	}
	defer a.Close()
	b, err := open(ctx, r.Folder, original)
	if err != nil {
		return 0, false, unreachable(err)
	}
	defer b.Close()
	left, right := make([]byte, chunk), make([]byte, chunk)
	for {
		n, whole, err := a.fill(left)
		if errors.Is(err, ErrUnreachable) {
			return 0, false, err
		}
		m, err := io.ReadFull(fillReader{b}, right[:n])
		if errors.Is(err, ErrUnreachable) {
			return 0, false, err
		}
		if m < n || !bytes.Equal(left[:n], right[:n]) {
			return length + commonLength(left[:n], right[:m]), false, nil
		}
		length += int64(n)
		if whole {
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

type fillReader struct{ *stream }

func (r fillReader) Read(p []byte) (int, error) { return r.text.Read(p) }

// adoptCopy makes a text known whose original was truncated after more of it had been told than the copy has: there is nothing to
// tell of it.
func (r *reader) adoptCopy(t *tail) {
	c, known := r.copies[t.path]
	unchanged := known && c.info.Size() == t.info.Size() && c.info.Key() == t.info.Key()
	if !unchanged || c.original.holdsRecord() || c.length >= c.original.pos || !r.shares(c.original) {
		return
	}
	r.continueCopy(t, c)
}

// continueOutgrown goes on behind what was told of a text that this one has wholly and goes beyond: the other's cursor is as good
// for it. It tells whether it does.
func (r *reader) continueOutgrown(t *tail) bool {
	c := r.copies[t.path]
	delete(r.copies, t.path)
	if !c.outgrown {
		return false
	}
	r.unsaved = true
	known := c.original.record.cursor
	known.Path, known.Seq = t.path, 0
	t.record = r.known.add(t)
	t.record.cursor, t.record.fresh = known, true
	t.startHash, t.startSize = known.Head, known.HeadSize
	return true
}

// continueCopy makes a record of a text that was told as far as it was the copy of another.
func (r *reader) continueCopy(t *tail, c fileCopy) {
	r.unsaved = true
	size := min(int(c.length), len(t.start))
	t.record = r.known.add(t)
	t.record.cursor = cursor{
		Path: t.path, HeadSize: size, Head: hash(t.start[:size]), Offset: c.length, Anchor: c.length, Format: c.original.format.Name,
	}
	t.startHash, t.startSize, t.record.fresh = t.record.cursor.Head, size, true
}

// becameCopy tells whether a file that had no text when it was found has turned out to be a copy.
func (r *reader) becameCopy(ctx context.Context, t *tail, f File) bool {
	text, _, err := head(ctx, r.Folder, f.Path)
	if err != nil || len(text) == 0 || !r.noteCopy(ctx, f, text, r.tails) {
		return false
	}
	r.forget(t)
	return true
}

// mayStillCome tells whether nothing of a compressed file can be read yet because it has just been made.
func (r *reader) mayStillCome(f File, text []byte, packed bool, err error) bool {
	torn := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	early := len(text) < len(zstdMagic) && (packed || compressedName.MatchString(f.Path))
	return r.Follow && (torn || early && err == nil) && r.looked.Sub(f.Info.ModTime()) < tornFor
}

var compressedName = regexp.MustCompile(`\.(gz|zst|zstd)(\.[^.]*)?$`)
