package clickhouse

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TraceConfig is the block trace_correlation.
type TraceConfig struct {
	// Enabled ties logins to the traces that their queries ran under.
	Enabled bool `mapstructure:"enabled"`
	// Settle is the age at which rows are read: by then the server has written out the three logs that are joined.
	Settle time.Duration `mapstructure:"settle"`
}

func (c TraceConfig) check() error {
	if c.Enabled && c.Settle < 0 {
		return errors.New("trace_correlation::settle: must not be negative")
	}
	return nil
}

// TraceStats is what a [source.Stats] may count beside.
type TraceStats interface {
	// Correlated counts logins that bear a trace or were told one later, and those that more than one session could have
	// had the queries of.
	Correlated(matched, ambiguous int)
}

// tracer finds the traces of logins. A login is matched when it is read; what comes later, as of a connection that has been
// open for hours, is found by looking at new queries after each poll.
type tracer struct {
	back  time.Duration // how long ago a session may have begun
	grace time.Duration // how long the server's logs may be late
	store source.Store
	key   string
	stats TraceStats // may be nil

	logs   *logs // nil when there are none
	found  map[sessionRef]*traced
	loaded bool
	now    int64             // of the server, less settle, when it was asked last
	looked int64             // queries before it have been looked at
	told   map[uint64]expiry // sessions that have their trace
	unsure map[uint64]expiry // sessions that were counted as ambiguous; not stored
	dirty  bool              // told is ahead of what is stored
}

// expiry is when a session need not be remembered any more: it has ended, and its queries have been looked at.
type expiry = int64

// sessionRef is what a row of the log and a session have in common.
type sessionRef struct {
	authID session.ID
	micros int64
	port   uint16
}

// prepare finds the sessions among the logins of a stretch of time whose queries are traced.
func (t *tracer) prepare(ctx context.Context, conn configclickhouse.Conn, l *layout, user string, within poll.Range) error {
	t.found = nil
	all, err := t.ask(ctx, conn, l, user, question{
		queries: poll.Range{From: within.From, To: add(within.To, t.back)}, logged: within.From, logins: within, back: add(within.From, -t.back),
	})
	if err != nil {
		return err
	}
	t.found = make(map[sessionRef]*traced, len(all))
	for i := range all {
		t.found[refOf(&all[i].row)] = &all[i]
	}
	return nil
}

func (t *tracer) ask(ctx context.Context, conn configclickhouse.Conn, l *layout, user string, q question) ([]traced, error) {
	if t.logs == nil || t.logs.layout != l {
		logs, err := readLogs(ctx, conn, l, user)
		if err != nil || logs == nil {
			return nil, err
		}
		t.logs = logs
	}
	kind, _ := l.has("interface")
	all, err := readTraced(ctx, conn, t.logs.tracedSQL(q), parseEnum(kind))
	if err != nil {
		t.logs = nil
		if configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable) {
			return nil, nil // put aside by an upgrade, and not made again yet
		}
	}
	return all, err
}

// correlate makes a login bear its trace.
func (t *tracer) correlate(r *clickhouselog.Row, e *session.Event) {
	if r.Type == clickhouselog.Logout {
		return
	}
	if f := t.found[refOf(r)]; f != nil && f.sure && r.Type == clickhouselog.LoginSuccess {
		f.trace.Correlate(e)
		return
	}
	clickhouselog.Claim(e)
}

// rowTold notes that a row is told, as correlate has made it.
func (t *tracer) rowTold(r *clickhouselog.Row) {
	switch r.Type {
	case clickhouselog.LoginSuccess:
		if f := t.found[refOf(r)]; f != nil {
			t.remember(f)
		}
	case clickhouselog.Logout:
		ref := shortRef(r)
		if _, known := t.told[ref]; known {
			t.told[ref], t.dirty = t.until(r.Micros), true
		}
	}
}

// follow looks at the queries before the end of r that have started or ended since the last look, and returns the logins within r
// that they tell the trace of.
func (t *tracer) follow(ctx context.Context, conn configclickhouse.Conn, l *layout, user string, r poll.Range) (later []traced, err error) {
	if t.looked == 0 { // logins were told with what there is
		t.looked, t.dirty = r.To, true
	}
	from := min(t.looked, r.To) - t.grace.Microseconds()
	back := from - t.back.Microseconds()
	// A login that is not known, at 0, is too long ago.
	all, err := t.ask(ctx, conn, l, user, question{
		queries: poll.Range{From: back, To: r.To}, logged: from, logins: poll.Range{From: max(r.From, 1), To: r.To}, back: back,
	})
	for _, s := range all {
		ref := shortRef(&s.row)
		_, known := t.told[ref]
		switch {
		case known:
		case s.sure:
			later = append(later, s)
		default:
			t.remember(&s)
		}
	}
	return later, err
}

// settled remembers that everything found before upTo has been told.
func (t *tracer) settled(ctx context.Context, later []traced, upTo int64) error {
	for i := range later {
		t.remember(&later[i])
	}
	t.forget(t.told, upTo)
	t.forget(t.unsure, upTo)
	// A look that found nothing need not be stored each time: to look again at what was looked at is harmless.
	if !t.dirty && upTo-t.looked < poll.Minute/2 {
		return nil
	}
	t.looked = upTo
	b := binary.AppendVarint(nil, t.looked)
	for ref, until := range t.told {
		b = binary.LittleEndian.AppendUint64(b, ref)
		b = binary.LittleEndian.AppendUint64(b, uint64(until)) //nolint:gosec // bits, not a number
	}
	if err := t.store.Set(ctx, t.key, b); err != nil {
		return err
	}
	t.dirty = false
	return nil
}

// load reads once what is remembered.
func (t *tracer) load(ctx context.Context) error {
	if t.loaded {
		return nil
	}
	b, err := t.store.Get(ctx, t.key)
	if err != nil {
		return err
	}
	t.told, t.unsure = map[uint64]expiry{}, map[uint64]expiry{}
	looked, n := binary.Varint(b)
	if n > 0 {
		t.looked, b = looked, b[n:]
	}
	for ; len(b) >= 16; b = b[16:] {
		t.told[binary.LittleEndian.Uint64(b)] = expiry(binary.LittleEndian.Uint64(b[8:])) //nolint:gosec // bits, not a number
	}
	t.loaded = true
	return nil
}

// remember keeps that a session has its trace, or that nobody can say which it has: if more becomes known, that may change.
func (t *tracer) remember(s *traced) {
	ref, until := shortRef(&s.row), t.expires(s)
	of, matched, ambiguous := t.told, 1, 0
	if !s.sure {
		of, matched, ambiguous = t.unsure, 0, 1
	}
	if before, known := of[ref]; !known && t.stats != nil {
		t.stats.Correlated(matched, ambiguous)
	} else if known && before == until {
		return
	}
	if until < t.unlooked() {
		return // it is of a backlog: all of them would be too many
	}
	of[ref] = until
	t.dirty = t.dirty || s.sure
}

// unlooked is from when on queries have not been looked at for good.
func (t *tracer) unlooked() int64 {
	from := t.now
	if t.looked != 0 {
		from = min(from, t.looked)
	}
	return from - t.grace.Microseconds()
}

func (t *tracer) forget(of map[uint64]expiry, upTo int64) {
	for ref, until := range of {
		if until < upTo {
			delete(of, ref)
			t.dirty = true
		}
	}
}

// expires is until when queries of a session may turn up.
func (t *tracer) expires(s *traced) int64 {
	if s.end != never {
		return t.until(s.end)
	}
	return add(s.row.Micros, t.back) + t.late()
}

func (t *tracer) until(end int64) int64 { return end + t.late() }

func (t *tracer) late() int64 { return 2*t.grace.Microseconds() + poll.Minute }

func refOf(r *clickhouselog.Row) sessionRef { return sessionRef{r.AuthID, r.Micros, r.ClientPort} }

// shortRef is enough of a session to know it again, by any of its rows.
func shortRef(r *clickhouselog.Row) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(r.AuthID[:])
	_, _ = h.Write(binary.LittleEndian.AppendUint16([]byte(r.Hostname), r.ClientPort))
	return h.Sum64()
}

// add is a time later by d, within what there is.
func add(micros int64, d time.Duration) int64 {
	if micros == poll.Always.From || micros == poll.Always.To {
		return micros
	}
	return micros + d.Microseconds()
}
