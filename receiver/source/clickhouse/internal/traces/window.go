package traces

import (
	"context"
	"math"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// maxAheadMatches bounds the memory of what was found for the reads to come.
const maxAheadMatches = 1 << 17

// loginWindow is a stretch of logins whose sessions with traced queries are known.
type loginWindow struct {
	logins  poll.TimeRange
	layout  *rows.Layout
	matches map[sessionRef]tracedMatch
}

type tracedMatch struct {
	trace clickhouselog.Trace
	traceMatch
}

func (w *loginWindow) coversRange(l *rows.Layout, within poll.TimeRange) bool {
	return w.layout == l && w.logins.From <= within.From && within.To <= w.logins.To
}

func newLoginWindow(l *rows.Layout, logins poll.TimeRange) loginWindow {
	return loginWindow{logins: logins, layout: l, matches: map[sessionRef]tracedMatch{}}
}

// addSession keeps a session, and shortens the window where it grows too large from a time on. Sessions come in the order of their logins.
func (w *loginWindow) addSession(a *sessionAnswer, from int64) {
	if len(w.matches) >= maxAheadMatches && a.begin >= from {
		w.logins.To = min(w.logins.To, a.begin)
		return
	}
	w.matches[a.sessionRef()] = a.tracedMatch()
}

// Prepare finds the sessions among the logins of a stretch of time whose queries are traced. now is up to which rows are read. Of a backlog
// the next ones are asked for beside, which may be nil, while the rows of this stretch are read.
func (t *Tracer) Prepare(ctx context.Context, conn configclickhouse.Conn, l *rows.Layout, now int64, within poll.TimeRange, beside ServerAsker) error {
	t.now = now
	if !t.window.coversRange(l, within) {
		t.takeAhead(within)
	}
	if !t.window.coversRange(l, within) {
		logins := within
		if !t.asksAhead(beside) {
			logins.To = max(within.To, t.nextReads(within.To, within).To)
		}
		if err := t.askNow(ctx, conn, l, logins, within.To); err != nil {
			return err
		}
	}
	t.askAhead(ctx, l, within, beside)
	return nil
}

func (t *Tracer) askNow(ctx context.Context, conn configclickhouse.Conn, l *rows.Layout, logins poll.TimeRange, from int64) error {
	t.dropAhead()
	t.window = loginWindow{}
	if err := t.loadStored(ctx); err != nil {
		return err
	}
	w := newLoginWindow(l, logins)
	err := t.askLogs(ctx, conn, l, func(logs *logTables) error {
		add := func(a *sessionAnswer) { w.addSession(a, from) }
		q := t.questionOf(logins)
		if logins.To > t.now-2*requestSlack { // all that there is to know is near
			return logs.readRecentSessions(ctx, conn, q, add)
		}
		return logs.readSessionsOfBacklog(ctx, conn, q, add)
	})
	if err == nil {
		t.window = w
	}
	return err
}

func (t *Tracer) questionOf(logins poll.TimeRange) traceQuestion {
	q := traceQuestion{
		queries: poll.TimeRange{From: logins.From, To: addDuration(logins.To, t.SessionAge)}, logged: logins.From,
		logins: logins, connected: addDuration(logins.From, -t.SessionAge), written: math.MaxInt64,
	}
	if end := q.queries.To; end < t.now-requestSlack {
		q.written = end + requestSlack
	}
	return q
}

// readSessionsOfBacklog answers a question about logins of long ago in two steps: most sessions had ended soon, and far ahead is looked for
// the queries of the others alone. What it yields of a session last is what counts.
func (l *logTables) readSessionsOfBacklog(ctx context.Context, conn configclickhouse.Conn, q traceQuestion, yield func(*sessionAnswer)) error {
	found, err := hasSpans(ctx, conn, q)
	if err != nil || !found {
		return err
	}
	near := q
	near.queries.To = q.logins.To + requestSlack
	near.written = near.queries.To + requestSlack
	if err := l.readSessions(ctx, conn, near, yield); err != nil {
		return err
	}
	if found, err = l.openConnections(ctx, conn, &q, near.queries.To); err != nil || !found {
		return err
	}
	return l.readSessions(ctx, conn, q, yield)
}
