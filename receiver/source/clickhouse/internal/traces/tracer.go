// Package traces finds the traces that sessions' queries ran under, in the logs that ClickHouse keeps beside session_log.
package traces

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"math"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Options say how far to search, and where what is found is remembered.
type Options struct {
	SessionAge time.Duration // how long ago a session may have begun
	LogDelay   time.Duration // how long the server's logs may be late
	Username   string        // of the account that reads, for errors
	Store      source.Store
	StoreKey   string
	// Count is called with the number of logins that bear a trace or got one later, and of those that more than one session
	// could have had the queries of.
	Count func(matched, ambiguous int)
}

// Tracer finds the traces of logins. A login is matched when it is read; what comes later, as of a connection that has been
// open for hours, is found by looking at new queries after each poll. It is not safe for concurrent use.
type Tracer struct {
	Options
	now int64 // up to which rows are read, in microseconds of the server's clock

	logs   *logTables // nil when there are none
	window loginWindow
	ahead  *aheadQuestion // nil while nothing is asked ahead
	// aheadFailed is whether a question ahead has failed in this poll.
	aheadFailed bool

	loaded    bool
	searched  int64            // queries before it have been searched
	delivered map[uint64]int64 // sessions that have their trace, each with when it need not be remembered any more
	ambiguous map[uint64]int64 // sessions that were counted as ambiguous; not stored
	changed   bool             // delivered is ahead of what is stored
}

// New makes a tracer.
func New(o Options) *Tracer {
	return &Tracer{Options: o, delivered: map[uint64]int64{}, ambiguous: map[uint64]int64{}}
}

// Close ends what is asked ahead.
func (t *Tracer) Close() { t.dropAhead() }

// sessionRef is what a row of the log and a session have in common.
type sessionRef struct {
	authID session.ID
	micros int64
	port   uint16
}

func (t *Tracer) askLogs(ctx context.Context, conn configclickhouse.Conn, l *rows.Layout, ask func(*logTables) error) error {
	if t.logs == nil || t.logs.layout != l {
		logs, err := readLogs(ctx, conn, l, t.Username)
		if err != nil || logs == nil {
			return err
		}
		t.logs = logs
	}
	err := ask(t.logs)
	if err != nil {
		t.logs = nil
		if configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable) {
			return nil // put aside by an upgrade, and not made again yet
		}
	}
	return err
}

// Correlate makes a login bear its trace.
func (t *Tracer) Correlate(r *clickhouselog.Row, e *session.Event) {
	if r.Type == clickhouselog.TypeLogout {
		return
	}
	if m, found := t.window.matches[sessionRefOf(r)]; found && m.certain && r.Type == clickhouselog.TypeLoginSuccess {
		m.trace.Correlate(e)
		return
	}
	clickhouselog.SetClaimedTrace(e)
}

// Delivered notes that a row is delivered as Correlate has made it.
func (t *Tracer) Delivered(r *clickhouselog.Row) {
	switch r.Type {
	case clickhouselog.TypeLoginSuccess:
		if m, found := t.window.matches[sessionRefOf(r)]; found {
			t.rememberMatch(r, m.traceMatch)
		}
	case clickhouselog.TypeLogout:
		if len(t.delivered) == 0 {
			return
		}
		ref := shortSessionRef(r)
		if _, known := t.delivered[ref]; known {
			t.delivered[ref], t.changed = r.Micros+t.lateQueries(), true
		}
	}
}

// FindLater searches the queries before the end of r that have started or ended since the last search, and returns the sessions
// that logged in within r and whose trace they have.
func (t *Tracer) FindLater(ctx context.Context, conn configclickhouse.Conn, l *rows.Layout, r poll.TimeRange) (found []Session, err error) {
	if err := t.loadStored(ctx); err != nil {
		return nil, err
	}
	if t.searched == 0 { // logins were delivered with what there is
		t.searched, t.changed = r.To, true
	}
	t.dropAhead()
	t.now, t.window, t.aheadFailed = r.To, loginWindow{}, false // the next poll may see rows that were late
	from := min(t.searched, r.To) - t.LogDelay.Microseconds()
	connected := from - t.SessionAge.Microseconds()
	// A login that is not known, at 0, is too long ago.
	q := traceQuestion{
		queries: poll.TimeRange{From: connected, To: r.To}, logged: from, logins: poll.TimeRange{From: max(r.From, 1), To: r.To}, connected: connected,
		written: math.MaxInt64,
	}
	err = t.askLogs(ctx, conn, l, func(logs *logTables) error {
		return logs.readRecentSessions(ctx, conn, q, func(a *sessionAnswer) {
			s := a.foundSession()
			_, known := t.delivered[shortSessionRef(&s.Login)]
			switch {
			case known:
			case s.certain:
				found = append(found, s)
			default:
				t.rememberMatch(&s.Login, s.traceMatch)
			}
		})
	})
	return found, err
}

// DeliveredLater notes that what FindLater has found before upTo is delivered.
func (t *Tracer) DeliveredLater(ctx context.Context, found []Session, upTo int64) error {
	for i := range found {
		t.rememberMatch(&found[i].Login, found[i].traceMatch)
	}
	t.forgetExpired(t.delivered, upTo)
	t.forgetExpired(t.ambiguous, upTo)
	// A search that found nothing need not be stored each time: to search again is harmless.
	if !t.changed && upTo-t.searched < poll.MinuteMicros/2 {
		return nil
	}
	t.searched = upTo
	b := binary.AppendVarint(nil, t.searched)
	for ref, until := range t.delivered {
		b = binary.LittleEndian.AppendUint64(b, ref)
		b = binary.LittleEndian.AppendUint64(b, uint64(until)) //nolint:gosec // bits, not a number
	}
	if err := t.Store.Set(ctx, t.StoreKey, b); err != nil {
		return err
	}
	t.changed = false
	return nil
}

func (t *Tracer) loadStored(ctx context.Context) error {
	if t.loaded {
		return nil
	}
	b, err := t.Store.Get(ctx, t.StoreKey)
	if err != nil {
		return err
	}
	searched, n := binary.Varint(b)
	if n > 0 {
		t.searched, b = searched, b[n:]
	}
	for ; len(b) >= 16; b = b[16:] {
		t.delivered[binary.LittleEndian.Uint64(b)] = int64(binary.LittleEndian.Uint64(b[8:])) //nolint:gosec // bits, not a number
	}
	t.loaded = true
	return nil
}

// rememberMatch keeps that a session has its trace, or that nobody can say which it has: if more becomes known, that may change.
func (t *Tracer) rememberMatch(login *clickhouselog.Row, m traceMatch) {
	ref, until := shortSessionRef(login), m.end
	if m.end == stillOpen {
		until = addDuration(login.Micros, t.SessionAge)
	}
	until += t.lateQueries()
	sessions, matched, ambiguous := t.delivered, 1, 0
	if !m.certain {
		sessions, matched, ambiguous = t.ambiguous, 0, 1
	}
	if before, known := sessions[ref]; !known && t.Count != nil {
		t.Count(matched, ambiguous)
	} else if known && before == until {
		return
	}
	if until < t.searchesFrom() {
		return // it is of a backlog: all of them would be too many
	}
	sessions[ref] = until
	t.changed = t.changed || m.certain
}

func (t *Tracer) searchesFrom() int64 {
	from := t.now
	if t.searched != 0 {
		from = min(from, t.searched)
	}
	return from - t.LogDelay.Microseconds()
}

func (t *Tracer) forgetExpired(sessions map[uint64]int64, upTo int64) {
	for ref, until := range sessions {
		if until < upTo {
			delete(sessions, ref)
			t.changed = true
		}
	}
}

// lateQueries is for how long after its end a session's queries may turn up.
func (t *Tracer) lateQueries() int64 { return 2*t.LogDelay.Microseconds() + poll.MinuteMicros }

func sessionRefOf(r *clickhouselog.Row) sessionRef {
	return sessionRef{r.AuthID, r.Micros, r.ClientPort}
}

// shortSessionRef is enough of a session to know it again, by any of its rows.
func shortSessionRef(r *clickhouselog.Row) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(r.AuthID[:])
	_, _ = h.Write(binary.LittleEndian.AppendUint16([]byte(r.Hostname), r.ClientPort))
	return h.Sum64()
}

// addDuration is a time later by d, but the ends of poll.AllTimes stay what they are.
func addDuration(micros int64, d time.Duration) int64 {
	if micros == poll.AllTimes.From || micros == poll.AllTimes.To {
		return micros
	}
	return micros + d.Microseconds()
}
