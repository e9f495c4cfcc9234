package traces

import (
	"context"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// ServerAsker asks the server something over a connection that nobody else uses meanwhile.
type ServerAsker func(ctx context.Context, ask func(configclickhouse.Conn) error) error

// aheadReads is how many reads of a backlog one question ahead is about: the server is slower in asking twice than in reading more.
const aheadReads = 2

// aheadQuestion is asked about the logins of the next reads while the rows of one are read.
type aheadQuestion struct {
	logins poll.TimeRange
	stop   context.CancelFunc
	done   chan struct{} // closed when answer and err are final
	answer loginWindow
	err    error
}

// nextReads are the logins of a backlog after a time, for as many reads as one question ahead is about. There are none near the time up to
// which rows are read, where some may still be late.
func (t *Tracer) nextReads(from int64, read poll.TimeRange) poll.TimeRange {
	if read.From == poll.AllTimes.From || read.To == poll.AllTimes.To {
		return poll.TimeRange{}
	}
	width := min(aheadReads*(read.To-read.From), t.SessionAge.Microseconds())
	return poll.TimeRange{From: from, To: min(from+width, t.now-max(t.LogDelay.Microseconds(), 2*requestSlack))}
}

// asksAhead is false once a question ahead has failed in this poll.
func (t *Tracer) asksAhead(beside ServerAsker) bool { return beside != nil && !t.aheadFailed }

func (t *Tracer) askAhead(ctx context.Context, l *rows.Layout, read poll.TimeRange, beside ServerAsker) {
	known := t.window.logins.To
	next := t.nextReads(known, read)
	if !t.asksAhead(beside) || t.ahead != nil || t.logs == nil || next.From >= next.To || known-read.To >= read.To-read.From {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	a, logs, q := &aheadQuestion{logins: next, stop: stop, done: make(chan struct{})}, t.logs, t.questionOf(next)
	t.ahead = a
	go func() {
		defer close(a.done)
		a.answer = newLoginWindow(l, next)
		a.err = beside(ctx, func(conn configclickhouse.Conn) error {
			return logs.readSessionsOfBacklog(ctx, conn, q, func(s *sessionAnswer) { a.answer.addSession(s, next.From) })
		})
	}()
}

// takeAhead waits for what was asked ahead, where it goes on from what is known and that is enough for a read. What has failed is asked
// again over the first connection, whose errors count, and nothing more is asked ahead until the end of the poll.
func (t *Tracer) takeAhead(within poll.TimeRange) {
	a := t.ahead
	if a == nil {
		return
	}
	if within.From < t.window.logins.From || within.To > a.logins.To {
		t.dropAhead()
		return
	}
	<-a.done
	a.stop()
	t.ahead, t.aheadFailed = nil, a.err != nil
	if a.err != nil {
		return
	}
	for ref, m := range t.window.matches {
		if ref.micros >= within.From {
			a.answer.matches[ref] = m
		}
	}
	a.answer.logins.From = min(a.answer.logins.From, within.From)
	t.window = a.answer
}

// dropAhead ends a question that was asked ahead.
func (t *Tracer) dropAhead() {
	if t.ahead != nil {
		t.ahead.stop()
		<-t.ahead.done
		t.ahead = nil
	}
}
