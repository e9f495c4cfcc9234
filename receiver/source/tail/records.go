package tail

import (
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

func (r *folderReader) readRecords(f *trackedFile, data []byte, atEnd bool) (used int, err error) {
	p := &f.position
	if p.overlong > 0 {
		if used, err = r.passOverlongLine(f, data, atEnd); err != nil || p.overlong > 0 {
			return used, err
		}
	}
	for used < len(data) {
		if n := countLeadingNULs(data[used:]); n > 0 {
			p.passHole(n)
			used += n
			continue
		}
		r.countHole(f)
		begin, length := used, lengthBeforeHole(data[used:])
		torn := used+length < len(data)
		used += r.frameRecords(f, data[used:used+length], atEnd || torn)
		if err := r.parseRecords(f, string(data[begin:used])); err != nil {
			return used, err
		}
		if !torn || used == begin {
			break
		}
	}
	if len(data)-used >= r.MaxLineBytes {
		p.overlong = int64(len(data) - used)
		used = len(data)
	}
	return used, nil
}

func (r *folderReader) passOverlongLine(f *trackedFile, data []byte, atEnd bool) (used int, err error) {
	p := &f.position
	n := logformat.FirstLineLength(data)
	if n == 0 && !atEnd {
		p.overlong += int64(len(data))
		return len(data), nil
	}
	if n == 0 {
		n = len(data)
	}
	if err := r.acquireBatch(); err != nil {
		return 0, err
	}
	r.skipOverlong(f, p.overlong+int64(n))
	p.overlong, p.before = 0, ""
	return n, nil
}

func (r *folderReader) frameRecords(f *trackedFile, data []byte, atEnd bool) (used int) {
	r.recordLengths = r.recordLengths[:0]
	parser := f.parsing.parser
	for used < len(data) {
		rest := data[used:]
		n := parser.Frame(rest, false)
		switch {
		case n > r.MaxLineBytes:
			n = -n // too long
		case n == 0 && len(rest) >= r.MaxLineBytes && logformat.FirstLineLength(rest) > 0:
			n = -logformat.FirstLineLength(rest) // of a record of many lines the first is given up
		case n == 0 && atEnd:
			if n = parser.Frame(rest, true); n > r.MaxLineBytes {
				n = -n
			}
		}
		if n == 0 {
			return used
		}
		r.recordLengths = append(r.recordLengths, n)
		used += max(n, -n)
	}
	return used
}

func (r *folderReader) parseRecords(f *trackedFile, text string) error {
	readAt := r.host.Now()
	if text != "" {
		f.activity.lastRead = readAt
	}
	p, begin := &f.position, f.position.next
	keepBefore := func() { p.keepBefore(text[:p.next-begin]) }
	defer keepBefore()
	for i, length := range r.recordLengths {
		if err := r.acquireBatch(); err != nil {
			return err
		}
		if length < 0 {
			r.skipOverlong(f, int64(-length))
			continue
		}
		at := int(p.next - begin)
		record := text[at : at+length]
		if i == len(r.recordLengths)-1 {
			record = strings.Clone(record) // a parser may keep it until the next one: it must not keep all that was read with it
		}
		if err := r.parseRecord(f, record, readAt); err != nil {
			return err
		}
		r.batch.textBytes += length
		if r.batch.hasReachedLimit(r.BatchSize) {
			keepBefore()
			r.submitBatch(true)
		}
	}
	return nil
}

func (r *folderReader) parseRecord(f *trackedFile, record string, readAt time.Time) error {
	p := &f.position
	if p.skip > 0 && p.next+int64(len(record)) > p.skip {
		r.discardUnwanted(f)
	}
	before := len(r.batch.parsed.Events)
	err := f.parsing.parser.Parse(record, p.next, &r.batch.parsed)
	f.parsing.records++
	switch {
	case logformat.IsRefusal(err):
		r.batch.parsed.Cut(before)
		return fmt.Errorf("at %d: %w", p.next, err)
	case !p.isUndeliveredOffset(p.next):
		r.batch.parsed.Cut(before)
	case err != nil:
		f.parsing.bad++
		r.host.Stats.BadRows(1, recordPlace(f.path, p.next), err)
	}
	r.stampObserved(before, readAt)
	r.advancePosition(f, int64(len(record)))
	return nil
}

func (r *folderReader) stampObserved(from int, at time.Time) {
	for i := from; i < len(r.batch.parsed.Events); i++ {
		r.batch.parsed.Events[i].Observed = at.UnixNano()
	}
}

func (r *folderReader) advancePosition(f *trackedFile, n int64) {
	p := &f.position
	if p.next += n; p.next > p.delivered {
		r.batch.moveCursor(f)
	}
}

func (r *folderReader) skipOverlong(f *trackedFile, size int64) {
	if p := &f.position; p.isUndeliveredOffset(p.next) {
		reason := fmt.Errorf("a line of %d bytes, more than `max_line_bytes` %d", size, r.MaxLineBytes)
		if size <= int64(r.MaxLineBytes) {
			reason = fmt.Errorf("a row of several lines that does not end within `max_line_bytes` %d", r.MaxLineBytes)
		}
		r.host.Stats.BadRows(1, recordPlace(f.path, p.next), reason)
	}
	r.advancePosition(f, size)
}
