package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"time"

	"go.uber.org/zap"
)

// turn reads what a file holds beyond what was read. last says that nothing will be appended, so that a line without end is
// a whole one, or a torn one. It tells whether the file has more right now.
func (r *reader) turn(ctx context.Context, t *tail, last bool) (more bool) {
	if t.gone && t.drained && t.held == 0 && !last {
		return false
	}
	opened := t.parser == nil
	err := t.ready(ctx, r, last)
	if err == nil {
		if opened {
			r.host.Log.Info("reading file", zap.String("file", t.path), zap.String("format", t.format.Name),
				zap.String("compression", t.stream.packed), zap.Int64("offset", max(t.pos, t.told)))
		}
		more, err = r.read(ctx, t, last)
	}
	t.rest(r.HoldOpen > 0 && (t.gone || len(r.tails) <= r.HoldOpen))
	t.problem = false
	switch {
	case err == nil:
		t.drained = !more
	case errors.Is(err, ErrUnreachable):
		t.drained, r.away = false, err
	case errors.Is(err, context.Canceled), errors.Is(err, errReplaced):
		t.drained = false
	case errors.Is(err, errTooEarly):
		t.drained = true
	default:
		r.complain(t.path, err)
		// A file that cannot be opened may be allowed any time; what its content is to blame for, only new content mends.
		var opening *fs.PathError
		t.problem, t.drained = true, !errors.As(err, &opening)
	}
	return more
}

// read goes through the text chunk by chunk. A record that does not fit makes the buffer grow, up to max_line_bytes.
func (r *reader) read(ctx context.Context, t *tail, last bool) (more bool, err error) {
	have, dropped, begin := 0, int64(0), t.pos
	for {
		n, whole, failed := t.stream.fill(r.buf[have:])
		have += n
		final := whole && failed == nil && (last || t.packed || t.looksAhead(r.buf[:have]) && !r.holds(t, have))
		if dropped == 0 {
			t.keepStart(r.buf[:have])
		}
		used, err := r.consume(ctx, t, r.buf[:have], final, &dropped)
		if err != nil {
			return false, err
		}
		have = copy(r.buf, r.buf[used:have])
		switch {
		case whole:
			t.hold(r.buf[:have])
			return false, r.ended(t, failed, last)
		case have == len(r.buf) && have < r.MaxLineBytes:
			r.buf = append(make([]byte, 0, 2*have), r.buf...)[:2*have]
		case !t.packed && t.pos-begin >= turnSize:
			return true, nil
		}
	}
}

// looksAhead tells whether the end of a text is whole, although its parser may want to see what follows.
func (t *tail) looksAhead(end []byte) bool {
	return t.format.LineMayContinue && bytes.HasSuffix(end, []byte("\n"))
}

// holds tells whether such an end may wait for what follows: until the next look has found no more of it. A text that was read
// before up to there has none, and one that is no longer written must be read before those that go on where it ends.
func (r *reader) holds(t *tail, have int) bool {
	if t.gone || t.skip > 0 || t.pos+int64(have) <= t.told || t.still && have == t.held {
		return false
	}
	for _, later := range slices.Backward(r.tails) {
		if later == t {
			break
		}
		if later.format.Name == t.format.Name || later.format.Name == "" {
			return false
		}
	}
	return true
}

// hold notes how much of the text's end waits.
func (t *tail) hold(end []byte) {
	t.held = 0
	if t.looksAhead(end) {
		t.held = len(end)
	}
}

// ended ends a turn at the end of the text.
func (r *reader) ended(t *tail, failed error, last bool) error {
	if t.skip > 0 && failed == nil {
		r.settleUntold(t)
	}
	t.returnToHole()
	r.tellUnreadable(t)
	if t.parser.AmbiguousTimes() > t.doubtful {
		r.host.Log.Warn("local times in an hour that came twice were read by their order: to be sure, "+t.clearTimes(),
			zap.String("file", t.path), zap.Int("events", t.parser.AmbiguousTimes()-t.doubtful))
		t.doubtful = t.parser.AmbiguousTimes()
	}
	if cap(r.buf) > chunk {
		r.buf = make([]byte, chunk)
	}
	if errors.Is(failed, io.ErrUnexpectedEOF) && !last {
		r.host.Log.Info("the compressed file ends too early: waiting for its rest", zap.String("file", t.path))
		return nil
	}
	return failed
}

// clearTimes is what a format says of times that mean one moment each.
func (t *tail) clearTimes() string {
	if t.format.ClearTimes != "" {
		return t.format.ClearTimes
	}
	return "let the log write times with their zone"
}

// takePage waits for a page to fill, which is there as long as the pipeline keeps up.
func (r *reader) takePage(ctx context.Context) error {
	if r.page != nil {
		return nil
	}
	if ctx.Err() != nil { // select would choose by chance
		return context.Canceled
	}
	select {
	case r.page = <-r.deliver.free:
		return nil
	case <-ctx.Done():
		return context.Canceled
	}
}

// flush hands the page on if there is anything in it. behind says that there is more to read than it has.
func (r *reader) flush(ctx context.Context, behind bool) error {
	p := r.page
	if p == nil {
		return nil
	}
	if len(p.Events) == 0 && len(p.moved) == 0 {
		p.bytes = 0
		return nil
	}
	if n := len(p.Events); n > 0 && behind && len(p.moved) > 0 {
		written := p.moved[len(p.moved)-1].info.ModTime()
		p.lag = max(0, written.Sub(time.Unix(0, p.Events[n-1].Time)))
	}
	return r.hand(ctx)
}

// mark gives the page the cursors that it moves. Of texts that share, the last one's alone has what all of them know: it is the
// newest, and the only one that will be asked.
func (r *reader) mark(p *page) {
	last := map[string]*tail{}
	for _, t := range p.moved {
		last[t.format.Name] = t
	}
	for _, t := range p.moved {
		c := t.cursor(last[t.format.Name] == t || !r.shares(t))
		r.known.seq++
		c.Seq = r.known.seq
		p.marks = append(p.marks, mark{t.record.key(), c})
		if t.record.owner == t {
			t.record.cursor, t.record.fresh = c, false
		}
	}
}

// hand gives the page to the deliverer. The cursors run ahead of the store's, which move on delivery. After a page that it could
// not give there is no other: what comes later may stand upon what that one had decided.
func (r *reader) hand(ctx context.Context) error {
	p := r.page
	r.mark(p)
	r.page = nil
	if ctx.Err() != nil { // select would choose by chance
		return context.Canceled
	}
	select {
	case r.deliver.pages <- p:
		return nil
	case <-ctx.Done():
		return context.Canceled
	}
}
