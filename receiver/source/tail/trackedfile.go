package tail

import (
	"context"
	"errors"

	"go.uber.org/zap"
)

type trackedFile struct {
	fileIdentity

	position readPosition
	parsing  recordParsing
	activity fileActivity
	record   *cursorRecord
	stream   *textStream // nil between the reads of a compressed file
}

var errReplaced = errors.New("the file was replaced while it was opened")

func (r *folderReader) openAtPosition(ctx context.Context, f *trackedFile, atEnd bool) error {
	if f.stream == nil {
		s, err := openStream(ctx, r.Folder, f.path)
		if err != nil {
			return err
		}
		info, err := s.file.Stat()
		if err == nil && f.info.Key() != info.Key() {
			err = errReplaced
		}
		if err != nil {
			s.Close()
			return err
		}
		f.stream = s
	} else if f.position.next == 0 { // perhaps nothing was there when it was opened
		if err := f.stream.reopenAtStart(); err != nil {
			return err
		}
	}
	f.compressed = f.stream.text.Name != ""
	if f.parsing.parser == nil {
		if err := r.createParser(f, atEnd); err != nil {
			return err
		}
		r.host.Log.Info("reading file", zap.String("file", f.path), zap.String("format", f.parsing.format.Name),
			zap.String("compression", f.stream.text.Name), zap.Int64("offset", f.position.furthestRead()))
	}
	return f.stream.seekTextOffset(f.position.next)
}

// closeStream closes what need not stay open.
func (f *trackedFile) closeStream(keepPlain bool) {
	if f.stream != nil && (f.compressed || !keepPlain) {
		f.stream.Close()
		f.stream = nil
	}
}

func (f *trackedFile) nextCursor(withState bool) textCursor {
	p := &f.position
	c := textCursor{
		Path: f.path, Offset: p.furthestRead(), Anchor: f.parsing.parser.ResumeOffset(), Format: f.parsing.format.Name,
		DecideAfter: f.parsing.decideAfter, Skip: p.skip,
	}
	if withState { // costs what grows with what the texts share
		c.State = f.parsing.parser.ResumeState()
	}
	c.Head, c.HeadSize = f.hashHead(c.Offset)
	if p.next >= p.delivered && p.before != "" {
		c.Tail, c.TailSize = hashText([]byte(p.before)), len(p.before)
	} else if old := &f.record.cursor; old.Offset == c.Offset {
		c.Tail, c.TailSize = old.Tail, old.TailSize
	}
	return c
}
