package tail

import (
	"context"
	"fmt"
	"strings"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// consume parses the whole records of data, which begins at t.pos, or dropped bytes behind it within a line that is too long.
func (r *reader) consume(ctx context.Context, t *tail, data []byte, final bool, dropped *int64) (used int, err error) {
	if *dropped > 0 {
		n := logformat.Line(data)
		if n == 0 && !final {
			*dropped += int64(len(data))
			return len(data), nil
		}
		if n == 0 {
			n = len(data)
		}
		if err := r.takePage(ctx); err != nil {
			return 0, err
		}
		r.tooLong(t, *dropped+int64(n))
		*dropped, used = 0, n
	}
	for used < len(data) {
		if n := leadingNULs(data[used:]); n > 0 {
			r.passHole(t, n)
			used += n
			continue
		}
		r.endHole(t)
		start, part := used, beforeHole(data[used:])
		torn := used+part < len(data)
		used += r.frame(t, data[used:used+part], final || torn)
		if err := r.parse(ctx, t, string(data[start:used])); err != nil {
			return used, err
		}
		if !torn || used == start {
			break
		}
	}
	if len(data)-used >= r.MaxLineBytes {
		*dropped = int64(len(data) - used)
		used = len(data)
	}
	return used, nil
}

// frame finds the records of data and gives their length together.
func (r *reader) frame(t *tail, data []byte, final bool) (used int) {
	r.ends = r.ends[:0]
	for used < len(data) {
		rest := data[used:]
		n := t.parser.Frame(rest, false)
		if n == 0 && len(rest) >= r.MaxLineBytes {
			n = logformat.Line(rest) // a record of many lines: give up its first
			if n > 0 {
				r.ends = append(r.ends, -n)
				used += n
				continue
			}
		}
		if n == 0 && final {
			n = t.parser.Frame(rest, true)
		}
		if n == 0 {
			return used
		}
		used += n
		if n > r.MaxLineBytes {
			n = -n
		}
		r.ends = append(r.ends, n)
	}
	return used
}

// parse reads records, whose strings become parts of text.
func (r *reader) parse(ctx context.Context, t *tail, text string) error {
	at := r.host.Now()
	now := at.UnixNano()
	if text != "" {
		t.grown = at
	}
	whole := text
	remember := func() {
		if read := whole[:len(whole)-len(text)]; read != "" {
			t.before = strings.Clone(read[max(0, len(read)-maxTail):]) // a part would keep the whole text in memory
		}
	}
	defer remember()
	for i, n := range r.ends {
		if err := r.takePage(ctx); err != nil {
			return err
		}
		if n < 0 {
			r.tooLong(t, int64(-n))
			text = text[-n:]
			continue
		}
		if t.skip > 0 && t.pos+int64(n) > t.skip {
			r.settleUntold(t)
		}
		before, record := len(r.page.Events), text[:n]
		if i == len(r.ends)-1 {
			record = strings.Clone(record) // a parser may keep it until the next one: it must not keep all that was read with it
		}
		err := t.parser.Parse(record, t.pos, &r.page.EventBatch)
		t.parsed++
		switch {
		case logformat.IsRefusal(err):
			r.page.Cut(before)
			return fmt.Errorf("at %d: %w", t.pos, err)
		case t.pos < max(t.told, t.skip):
			r.page.Cut(before)
		case err != nil:
			t.bad++
			r.host.Stats.BadRows(1, place(t.path, t.pos), err)
		}
		for i := before; i < len(r.page.Events); i++ {
			r.page.Events[i].Observed = now
		}
		t.pos += int64(n)
		text = text[n:]
		r.page.bytes += n
		if t.pos > t.told {
			r.page.move(t)
		}
		if r.page.full(r.BatchSize) {
			remember()
			if err := r.flush(ctx, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) tooLong(t *tail, n int64) {
	if t.pos >= max(t.told, t.skip) {
		reason := fmt.Errorf("a line of %d bytes, more than `max_line_bytes` %d", n, r.MaxLineBytes)
		if n <= int64(r.MaxLineBytes) {
			reason = fmt.Errorf("a row of several lines that does not end within `max_line_bytes` %d", r.MaxLineBytes)
		}
		r.host.Stats.BadRows(1, place(t.path, t.pos), reason)
	}
	t.pos += n
	t.before = ""
	if t.pos > t.told {
		r.page.move(t)
	}
}

// place names a record for whoever looks for it.
func place(path string, offset int64) string { return fmt.Sprintf("%s:%d", path, offset) }
