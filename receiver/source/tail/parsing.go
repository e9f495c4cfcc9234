package tail

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// recordParsing is the parser of a text, what it holds back, and what it made of the records so far.
type recordParsing struct {
	format logformat.Format
	parser logformat.Parser // nil until the format is known

	decideAfter time.Duration // of a format that decides by time
	heldBytes   int           // at the end: they end with a line, and may wait for what follows

	records, bad   int
	allBadReported bool
	ambiguousTimes int // that were reported
}

var (
	errUnknownFormat = errors.New("the content has none of the known formats")
	errTooShort      = errors.New("too little content to tell the format")
)

func (r *folderReader) createParser(f *trackedFile, atEnd bool) error {
	c := &f.record.cursor
	format, err := r.findFormat(f, atEnd)
	if err != nil {
		return err
	}
	o := r.Options
	o.Name, o.Written = f.path, f.info.ModTime()
	shared, err := r.shareState(format, &o)
	if err != nil {
		return err
	}
	parser := format.New(o)
	p := &f.position
	if c.Offset > 0 && (c.Format == format.Name || c.Format == "") {
		if err := parser.Restore(c.Anchor, shared.takeState(c), false); err != nil {
			return err
		}
		p.next, p.delivered = c.Anchor, c.Offset
	}
	if format.DecidesByTime {
		if f.parsing.decideAfter = o.DecideAfter; c.DecideAfter != o.DecideAfter {
			p.delivered = p.next
		}
	}
	f.parsing.format, f.parsing.parser, f.activity.lastRead, p.skip = format, parser, r.host.Now(), c.Skip
	return nil
}

func (r *folderReader) findFormat(f *trackedFile, atEnd bool) (logformat.Format, error) {
	name := r.Format
	if name == "" {
		name = f.record.cursor.Format
	}
	if format, known := logformat.FindFormat(r.Formats, name); known {
		return format, nil
	}
	// Of what is open: the path may lead elsewhere by now.
	text, err := f.stream.readHeadBehindHole(maxHead)
	if err == nil {
		err = f.stream.reopenAtStart()
	}
	if err != nil {
		return logformat.Format{}, err
	}
	return r.detectFormat(text, atEnd || f.compressed || len(text) == maxHead)
}

// detectFormat is that of a text that begins so. whole says that more of it changes nothing.
func (s *Settings) detectFormat(text []byte, whole bool) (logformat.Format, error) {
	format, verdict := logformat.Detect(s.Formats, text, whole)
	switch {
	case verdict == logformat.VerdictWait || len(text) == 0:
		return format, errTooShort
	case verdict == logformat.VerdictYes:
		return format, nil
	}
	if format, known := logformat.FindFormat(s.Formats, s.FallbackFormat); known {
		return format, nil
	}
	var names []string
	for _, f := range s.Formats {
		names = append(names, f.Name)
	}
	return format, fmt.Errorf("%w (%s), it is %s: write its `format`, or `exclude` the file", errUnknownFormat, strings.Join(names, ", "), describeContent(text))
}

// mayHoldBack reports whether the end of a text is whole, although its parser may want to see what follows.
func (p *recordParsing) mayHoldBack(end []byte) bool {
	return p.format.LineMayContinue && bytes.HasSuffix(end, []byte("\n"))
}

func (p *recordParsing) noteHeldBytes(end []byte) {
	p.heldBytes = 0
	if p.mayHoldBack(end) {
		p.heldBytes = len(end)
	}
}

// isEndOnHold reports whether such an end may wait for what follows: until the next scan has found no more of it. A text that was read
// before up to there has none, and one that is no longer written must be read before those that go on where it ends.
func (r *folderReader) isEndOnHold(f *trackedFile, size int) bool {
	p := &f.position
	if f.activity.pathLost || p.skip > 0 || p.next+int64(size) <= p.delivered || f.activity.unchanged && size == f.parsing.heldBytes {
		return false
	}
	return !r.hasLaterFile(f)
}

func (p *recordParsing) clearTimesRemedy() string {
	if p.format.ClearTimes != "" {
		return p.format.ClearTimes
	}
	return "let the log write times with their zone"
}
