package tail

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"go.uber.org/zap"
)

// maxReadSize is how much text of one growing file is read before the others have their turn.
const maxReadSize = 64 << 20

var errStopped = errors.New("nothing is delivered any more")

// readFile reads what a file holds beyond what was read. last says that nothing will be appended, so that a line without end is
// a whole one, or a torn one. It reports whether the file has more right now.
func (r *folderReader) readFile(ctx context.Context, f *trackedFile, last bool) (more bool) {
	err := r.openAtPosition(ctx, f, last)
	if err == nil {
		more, err = r.readChunks(f, last)
	}
	f.closeStream(r.HoldOpen > 0 && (f.activity.pathLost || len(r.files) <= r.HoldOpen))
	a := &f.activity
	a.failed = false
	switch {
	case err == nil:
		a.exhausted = !more
	case errors.Is(err, ErrUnreachable):
		a.exhausted, r.unreachable = false, err
	case errors.Is(err, errStopped), errors.Is(err, errReplaced):
		a.exhausted = false
	case errors.Is(err, errTooShort):
		a.exhausted = true
	default:
		r.reportProblem(f.path, err)
		// A file that cannot be opened may be allowed any time; what its content is to blame for, only new content mends.
		var opening *fs.PathError
		a.failed, a.exhausted = true, !errors.As(err, &opening)
	}
	return more
}

func (r *folderReader) readChunks(f *trackedFile, last bool) (more bool, err error) {
	have, begin := 0, f.position.next
	f.position.overlong = 0
	for {
		n, atEnd, failed := f.stream.fillBuffer(r.buffer[have:])
		have += n
		whole := atEnd && failed == nil && (last || f.compressed || f.parsing.mayHoldBack(r.buffer[:have]) && !r.isEndOnHold(f, have))
		if f.position.overlong == 0 {
			f.keepStart(f.position.next, r.buffer[:have])
		}
		used, err := r.readRecords(f, r.buffer[:have], whole)
		if err != nil {
			return false, err
		}
		have = copy(r.buffer, r.buffer[used:have])
		switch {
		case atEnd:
			f.parsing.noteHeldBytes(r.buffer[:have])
			return false, r.endReading(f, failed, last)
		case have == len(r.buffer) && have < r.MaxLineBytes:
			r.buffer = append(make([]byte, 0, 2*have), r.buffer...)[:2*have]
		case !f.compressed && f.position.next-begin >= maxReadSize:
			return true, nil
		}
	}
}

func (r *folderReader) endReading(f *trackedFile, failed error, last bool) error {
	if f.position.skip > 0 && failed == nil {
		r.discardUnwanted(f)
	}
	f.position.returnToHole()
	r.problems.reportBadLines(f)
	r.warnOfAmbiguousTimes(f)
	if cap(r.buffer) > chunkSize {
		r.buffer = make([]byte, chunkSize)
	}
	if errors.Is(failed, io.ErrUnexpectedEOF) && !last {
		r.host.Log.Info("the compressed file ends too early: waiting for its rest", zap.String("file", f.path))
		return nil
	}
	return failed
}

func (r *folderReader) warnOfAmbiguousTimes(f *trackedFile) {
	p := &f.parsing
	if more := p.parser.AmbiguousTimes() - p.ambiguousTimes; more > 0 {
		r.host.Log.Warn("local times in an hour that came twice were read by their order: to be sure, "+p.clearTimesRemedy(),
			zap.String("file", f.path), zap.Int("events", more))
		p.ambiguousTimes += more
	}
}
