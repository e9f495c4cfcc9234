package tail

import (
	"context"
	"math"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// formatState is what the texts of one format have in common. Texts of different formats share nothing: two that speak of the
// same connections would confuse each other.
type formatState struct {
	shared logformat.SharedState
	// newestSeq is that of the cursor that knew the state when this run began; -1 once its text was opened, or where it is gone.
	newestSeq int64
	orphaned  bool // a text was let go: others must remember what began in it
}

func (r *folderReader) shareState(f logformat.Format, o *logformat.Options) (*formatState, error) {
	s := r.formats[f.Name]
	if s == nil {
		s = &formatState{}
		o.Shared = &s.shared
		// The newest cursor's, whether its text is still there or not: any older one may think undecided what was decided since.
		if newest := r.cursors.newestRecords()[f.Name]; newest != nil && newest.cursor.State != nil {
			if err := s.restoreParserState(f.New(*o), newest); err != nil {
				return nil, err
			}
		}
		r.formats[f.Name] = s
	}
	o.Shared = &s.shared
	return s, nil
}

func (s *formatState) restoreParserState(parser logformat.Parser, newest *cursorRecord) error {
	textGone := newest.owner == nil
	if s.newestSeq = newest.cursor.Seq; textGone {
		s.newestSeq = -1
	}
	if !s.shared.InUse() {
		return nil
	}
	return parser.Restore(newest.cursor.Anchor, newest.cursor.State, textGone)
}

func (s *formatState) takeState(c *textCursor) []byte {
	if !s.shared.InUse() {
		return c.State
	}
	if c.Seq != s.newestSeq {
		return nil
	}
	// Opened again, as its compressed copy may be after days, even the newest is older than what was read since.
	s.newestSeq = -1
	return c.State
}

// sharesState reports whether what a text's parser knows is that of all texts of its format.
func (r *folderReader) sharesState(f *trackedFile) bool {
	s := r.formats[f.parsing.format.Name]
	return s != nil && s.shared.InUse()
}

func (r *folderReader) flushDecided(ctx context.Context) {
	for name, state := range r.formats {
		var last *trackedFile
		for _, f := range r.files {
			if f.parsing.format.DecidesByTime && f.parsing.format.Name == name && f.canMoveCursor() {
				last = f
			}
		}
		if last != nil && ctx.Err() == nil {
			r.flushFormat(state, last)
		}
	}
}

// canMoveCursor reports whether all that another run delivered has been passed.
func (f *trackedFile) canMoveCursor() bool {
	return f.record.owner == f && f.position.next >= f.position.delivered
}

func (r *folderReader) flushFormat(state *formatState, last *trackedFile) {
	if r.acquireBatch() != nil {
		return
	}
	before := len(r.batch.parsed.Events)
	last.parsing.parser.FlushDue(r.logTimeNow(last), &r.batch.parsed)
	r.stampObserved(before, r.host.Now())
	// Texts whose half-seen connections were decided meanwhile move too: reading them again would be harmless, but endless.
	for _, f := range r.files {
		saved := f.record.cursor
		if f != last && f.parsing.format.Name == last.parsing.format.Name && f.canMoveCursor() &&
			saved.Anchor < saved.Offset && f.parsing.parser.ResumeOffset() != saved.Anchor {
			r.batch.moveCursor(f)
		}
	}
	// The last one's cursor comes with the others, for it knows what was decided.
	if !r.batch.isEmpty() || state.orphaned || last.parsing.parser.ResumeOffset() != last.record.cursor.Anchor {
		state.orphaned = false
		r.batch.moveCursor(last)
		r.submitBatch(false)
	}
}

func (r *folderReader) logTimeNow(last *trackedFile) int64 {
	// The clock of this machine would be wrong: a server's may be ahead or behind by any time, and then a verdict by time would come before the
	// refusal that is its contrary.
	logTime := last.parsing.parser.LogTime()
	if logTime == 0 {
		// For want of another.
		return r.scannedAt.UnixNano()
	}
	return logTime + int64(r.silenceOf(last.parsing.format.Name))
}

// silenceOf is for how long nothing was written to any text of a format, as far as the last scan has shown. What was read since may
// have been written after that scan, so it is no silence at all. A file that is read once and not followed is silent since its last
// change; otherwise only what this process has seen itself counts.
func (r *folderReader) silenceOf(format string) time.Duration {
	silence := time.Duration(math.MaxInt64)
	for _, f := range r.files {
		if f.parsing.format.Name != format {
			continue
		}
		if !f.activity.unchanged || !f.activity.exhausted {
			return 0
		}
		since := f.activity.lastRead
		if !r.Follow {
			since = f.info.ModTime()
		}
		silence = min(silence, r.scannedAt.Sub(since))
	}
	return max(0, silence)
}

// discardUnwanted drops what texts that are not wanted have undecided: who was let in when reading began is an old story, who is
// about to be let in is not.
func (r *folderReader) discardUnwanted(f *trackedFile) {
	f.position.skip = 0
	if parser := f.parsing.parser; f.parsing.format.DecidesByTime && r.acquireBatch() == nil {
		before := len(r.batch.parsed.Events)
		parser.FlushDue(parser.LogTime()+int64(r.Options.DecideAfter), &r.batch.parsed)
		r.batch.parsed.Cut(before)
	}
}
