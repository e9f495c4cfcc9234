package tail

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// settling is what the texts of one format have in common. Texts of different formats share nothing: two that tell of the
// same connections would confuse each other.
type settling struct {
	shared  logformat.Shared
	newest  int64 // Seq of the cursor that knew what they had in common when this run began
	orphans bool  // a text was let go: others must remember what began in it
}

// share gives a parser's options what its format's parsers have in common. The first time that is what the newest cursor
// knew, whether its text is still there or not: any older one may think undecided what was decided since.
func (r *reader) share(f logformat.Format, o *logformat.Options) (newest int64, err error) {
	s := r.settlers[f.Name]
	if s == nil {
		s = &settling{}
		o.Shared = &s.shared
		if c := r.known.newest(f.Name); c.State != nil {
			parser := f.New(*o)
			if s.shared.Used() {
				if err := parser.Restore(c.Anchor, c.State); err != nil {
					return 0, err
				}
			}
			s.newest = c.Seq
		}
		r.settlers[f.Name] = s
	}
	o.Shared = &s.shared
	return s.newest, nil
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
			if _, ok := t.parser.(logformat.Settler); ok && t.format == format && t.record.owner == t && t.pos >= t.told {
				last = t
			}
		}
		if last != nil {
			r.settleBy(ctx, s, format, last)
		}
	}
}

// settleBy uses one text's parser for all texts that share with it, and its cursor for what they share.
func (r *reader) settleBy(ctx context.Context, s *settling, format string, last *tail) {
	if r.takePage(ctx) != nil {
		return
	}
	now := r.host.Now().UnixNano()
	before := len(r.page.Events)
	last.parser.(logformat.Settler).Settle(now, &r.page.Page)
	for i := before; i < len(r.page.Events); i++ {
		r.page.Events[i].Observed = now
	}
	for _, t := range r.tails {
		old := t.record.cursor
		if t.format != format || t == last || t.record.owner != t || t.pos < t.told || old.Anchor >= old.Offset {
			continue
		}
		if c := t.cursor(); c.Anchor != old.Anchor {
			r.mark(r.page, t, c)
		}
	}
	old := last.record.cursor
	if len(r.page.Events) == 0 && len(r.page.marks) == 0 && !s.orphans && old.Anchor >= old.Offset {
		return
	}
	// The last one's cursor comes with the others, for it knows what was decided.
	if c := last.cursor(); len(r.page.Events) > 0 || len(r.page.marks) > 0 || s.orphans || c.Anchor != old.Anchor {
		s.orphans = false
		r.mark(r.page, last, c)
		_ = r.hand(ctx) // it fails only when ctx ends
	}
}

// settleUntold passes over what the texts that are not told would decide by now.
func (r *reader) settleUntold(t *tail) {
	if s, ok := t.parser.(logformat.Settler); ok && r.page != nil {
		before := len(r.page.Events)
		s.Settle(r.host.Now().UnixNano(), &r.page.Page)
		r.page.Cut(before)
	}
}
