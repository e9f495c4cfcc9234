package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// tail is one file that is being read: it belongs to the file itself, not to the path, which a rotation changes.
type tail struct {
	path   string
	info   Info // when it was last looked at
	packed bool
	record *record

	stream *stream // nil between the turns of a packed file
	format logformat.Format
	parser logformat.Parser

	patience time.Duration // of the parser, if it has any
	pos      int64         // of the next record, in bytes of text
	told     int64         // records before this offset were told, by this run or one before
	skip     int64         // records before this offset were there before `initial: end` wants any

	opening   []byte // the first openingSize bytes of the text, as far as they were seen
	start     []byte // the beginning of the text, as far as it was read, up to maxHead
	startHash string // of HeadSize bytes of it
	startSize int

	before string // the text just before pos, up to maxTail

	found int       // the last round in which it was there
	still bool      // it is as it was when it was looked at before
	grown time.Time // when something was last read of it
	held  int       // bytes that end with a line, and of which a parser wants to know first whether more follows

	hole   int64 // NULs that were passed at pos
	holeAt int64 // where they begin
	parsed int   // records, and how many of them were bad
	bad    int
	allBad bool // it was warned of

	drained   bool // all that info tells of was read, or cannot be
	problem   bool // it was complained of
	gone      bool // its path leads elsewhere or nowhere
	idle      int  // polls without growth since
	sibling   bool // what a rotation left, and the folder does not list
	forgotten bool // it is none of the reader's any more
	doubtful  int  // times in a doubled hour that the log was told of
}

// drainedAway tells that a file that left its path has been read to its end: another with the same content takes over.
func (t *tail) drainedAway() bool { return t.gone && t.drained }

var (
	errReplaced = errors.New("the file was replaced while it was opened")
	errUnknown  = errors.New("the content has none of the known formats")
	errTooEarly = errors.New("too little content to tell the format")
)

// ready opens the file where reading goes on.
func (t *tail) ready(ctx context.Context, r *reader, last bool) error {
	if t.stream == nil {
		s, err := open(ctx, r.Folder, t.path)
		if err != nil {
			return err
		}
		info, err := s.file.Stat()
		if err == nil && t.info.Key() != info.Key() {
			err = errReplaced
		}
		if err != nil {
			s.Close()
			return err
		}
		t.stream, t.packed = s, s.packed != ""
	} else if t.pos == 0 { // perhaps nothing was there when it was opened
		if err := t.stream.rewind(); err != nil {
			return err
		}
		t.packed = t.stream.packed != ""
	}
	if t.parser == nil {
		if err := t.begin(r, last); err != nil {
			return err
		}
	}
	return t.stream.seek(t.pos)
}

// begin makes the parser, by the cursor if there is one.
func (t *tail) begin(r *reader, last bool) error {
	c := &t.record.cursor
	f, err := t.findFormat(r, last)
	if err != nil {
		return err
	}
	o := r.Options
	o.Name, o.Written = t.path, t.info.ModTime()
	common, err := r.share(f, &o)
	if err != nil {
		return err
	}
	parser := f.New(o)
	if c.Offset > 0 && (c.Format == f.Name || c.Format == "") {
		if err := parser.Restore(c.Anchor, common.stateOf(c), false); err != nil {
			return err
		}
		t.pos, t.told = c.Anchor, c.Offset
	}
	if f.DecidesByTime {
		if t.patience = o.DecideAfter; c.Patience != t.patience {
			t.told = t.pos
		}
	}
	t.format, t.parser, t.grown, t.skip = f, parser, r.host.Now(), c.Skip
	return nil
}

// findFormat is the one that is written, or was found before, or that the content has. It looks at what is open: the path may
// lead elsewhere by now.
func (t *tail) findFormat(r *reader, last bool) (logformat.Format, error) {
	name := r.Format
	if name == "" {
		name = t.record.cursor.Format
	}
	if f, known := logformat.Find(r.Formats, name); known {
		return f, nil
	}
	text, err := t.stream.headBehindHole(maxHead)
	if err == nil {
		err = t.stream.rewind()
	}
	if err != nil {
		return logformat.Format{}, err
	}
	return r.detect(text, last || t.packed || len(text) == maxHead)
}

// detect is the format of a text that begins so. whole says that more of it changes nothing.
func (s *Settings) detect(text []byte, whole bool) (logformat.Format, error) {
	f, verdict := logformat.Detect(s.Formats, text, whole)
	switch {
	case verdict == logformat.Wait || len(text) == 0:
		return f, errTooEarly
	case verdict == logformat.Yes:
		return f, nil
	}
	if f, known := logformat.Find(s.Formats, s.FallbackFormat); known {
		return f, nil
	}
	var names []string
	for _, f := range s.Formats {
		names = append(names, f.Name)
	}
	return f, fmt.Errorf("%w (%s), it is %s: write its `format`, or `exclude` the file", errUnknown, strings.Join(names, ", "), contentKind(text))
}

// rest closes what need not stay open.
func (t *tail) rest(keepOpen bool) {
	if t.stream != nil && (t.packed || !keepOpen) {
		t.stream.Close()
		t.stream = nil
	}
}

// keepStart collects the beginning of the text while it is read.
func (t *tail) keepStart(data []byte) {
	if t.pos == 0 && len(t.opening) < openingSize {
		t.opening = bytes.Clone(data[:min(len(data), openingSize)])
	}
	if have := int64(len(t.start)); t.startSize < maxHead && t.pos <= have {
		t.start = append(t.start[:t.pos], data[:min(len(data), maxHead-int(t.pos))]...)
	}
}

// cursor is how far the file will have been told when everything read so far is delivered. Without state it costs nothing that
// grows with what the texts share.
func (t *tail) cursor(withState bool) cursor {
	c := cursor{Path: t.path, Offset: max(t.pos, t.told), Format: t.format.Name, Patience: t.patience, Skip: t.skip, Anchor: t.parser.ResumeOffset()}
	if withState {
		c.State = t.parser.ResumeState()
	}
	size := int(min(c.Offset, maxHead))
	if size != t.startSize && size <= len(t.start) {
		t.startHash, t.startSize = hash(t.start[:size]), size
		if size == maxHead {
			t.start = nil
		}
	}
	c.Head, c.HeadSize = t.startHash, t.startSize
	if t.pos >= t.told && t.before != "" {
		c.Tail, c.TailSize = hash([]byte(t.before)), len(t.before)
	} else if old := &t.record.cursor; old.Offset == c.Offset {
		c.Tail, c.TailSize = old.Tail, old.TailSize
	}
	return c
}
