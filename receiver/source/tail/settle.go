package tail

import (
	"context"
	"math"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// settling is what the texts of one format have in common. Texts of different formats share nothing: two that tell of the
// same connections would confuse each other.
type settling struct {
	shared  logformat.SharedState
	newest  int64 // Seq of the cursor that knew what they had in common when this run began; -1 once its text was opened, or where it is gone
	orphans bool  // a text was let go: others must remember what began in it
}

// share gives a parser's options what its format's parsers have in common. The first time that is what the newest cursor
// knew, whether its text is still there or not: any older one may think undecided what was decided since.
func (r *reader) share(f logformat.Format, o *logformat.Options) (*settling, error) {
	s := r.settlers[f.Name]
	if s == nil {
		s = &settling{}
		o.Shared = &s.shared
		if known := r.known.newest(f.Name); known != nil && known.cursor.State != nil {
			if err := s.inherit(f.New(*o), known); err != nil {
				return nil, err
			}
		}
		r.settlers[f.Name] = s
	}
	o.Shared = &s.shared
	return s, nil
}

// stateOf is what a cursor's own text begins with: of those that share, the newest cursor's alone, and once. Opened again, as its
// compressed copy may be after days, even that one is older than what was read since.
func (s *settling) stateOf(c *cursor) []byte {
	if !s.shared.InUse() {
		return c.State
	}
	if c.Seq != s.newest {
		return nil
	}
	s.newest = -1
	return c.State
}

// inherit makes what a cursor knew known to all. Where its text is gone, nobody else will tell what began in it.
func (s *settling) inherit(parser logformat.Parser, from *record) error {
	s.newest = from.cursor.Seq
	if from.owner == nil {
		s.newest = -1
	}
	if !s.shared.InUse() {
		return nil
	}
	return parser.Restore(from.cursor.Anchor, from.cursor.State, from.owner == nil)
}

// settle tells what is decided because time has passed and all that there is of all texts was read. It also moves the cursors
// of texts whose half-seen connections were decided meanwhile, perhaps in another text: reading them again would be harmless,
// but endless.
func (r *reader) settle(ctx context.Context) {
	for format, s := range r.settlers {
		if ctx.Err() != nil {
			return
		}
		var last *tail
		for _, t := range r.tails {
			if t.format.DecidesByTime && t.format.Name == format && t.record.owner == t && t.pos >= t.told {
				last = t
			}
		}
		if last != nil {
			r.settleBy(ctx, s, last)
		}
	}
}

// settleBy uses one text's parser for all texts that share with it, and its cursor for what they share.
func (r *reader) settleBy(ctx context.Context, s *settling, last *tail) {
	if r.takePage(ctx) != nil {
		return
	}
	before := len(r.page.Events)
	last.parser.FlushDue(r.logClock(last), &r.page.EventBatch)
	now := r.host.Now().UnixNano()
	for i := before; i < len(r.page.Events); i++ {
		r.page.Events[i].Observed = now
	}
	for _, t := range r.tails {
		old := t.record.cursor
		if t.format.Name != last.format.Name || t == last || t.record.owner != t || t.pos < t.told || old.Anchor >= old.Offset {
			continue
		}
		if t.parser.ResumeOffset() != old.Anchor {
			r.page.move(t)
		}
	}
	// The last one's cursor comes with the others, for it knows what was decided.
	if len(r.page.Events) > 0 || len(r.page.moved) > 0 || s.orphans || last.parser.ResumeOffset() != last.record.cursor.Anchor {
		s.orphans = false
		r.page.move(last)
		_ = r.hand(ctx) // it fails only when ctx ends
	}
}

// shares tells whether what a text's parser knows is that of all texts of its format.
func (r *reader) shares(t *tail) bool {
	s := r.settlers[t.format.Name]
	return s != nil && s.shared.InUse()
}

// logClock is what the clock of a format's texts shows by now: the time of their last record, and for how long they have
// been silent since. The clock of this machine would be wrong: a server's may go ahead or behind by any time, and then a
// verdict by time would come before the refusal that is its contrary. A parser that knows no time of a record is given that
// of this machine, for want of another.
func (r *reader) logClock(last *tail) int64 {
	clock := last.parser.LogTime()
	if clock == 0 {
		return r.looked.UnixNano()
	}
	return clock + int64(r.silence(last.format.Name))
}

// silence is for how long nothing was written to any text of a format, as far as the last look at the folder has shown. What
// was read in this round may have been written since that look, so it is no silence at all. A file that is read once
// and not followed is silent since its last change; otherwise only what this process has seen itself counts.
func (r *reader) silence(format string) time.Duration {
	silence := time.Duration(math.MaxInt64)
	for _, t := range r.tails {
		if t.format.Name != format {
			continue
		}
		since := t.grown
		if !r.Follow {
			since = t.info.ModTime()
		}
		if !t.still || !t.drained {
			return 0
		}
		silence = min(silence, r.looked.Sub(since))
	}
	return max(0, silence)
}

// settleUntold passes over what the texts that are not told have: who was let in when reading began is an old story, who is
// about to be let in is not.
func (r *reader) settleUntold(t *tail) {
	t.skip = 0
	if s := t.parser; t.format.DecidesByTime && r.page != nil {
		before := len(r.page.Events)
		s.FlushDue(s.LogTime()+int64(r.Options.DecideAfter), &r.page.EventBatch)
		r.page.Cut(before)
	}
}
