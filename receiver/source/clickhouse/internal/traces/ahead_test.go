package traces

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// A read that reaches from what is known into what was asked ahead has the traces of both, and asks nothing.
func TestAReadOverTwoAnswersHasTheTracesOfBoth(t *testing.T) {
	layout := &rows.Layout{}
	login := func(micros int64) *clickhouselog.Row {
		return &clickhouselog.Row{Type: clickhouselog.TypeLoginSuccess, AuthID: session.ID{byte(micros)}, Micros: micros}
	}
	answer := func(from, to, at int64) loginWindow {
		w := newLoginWindow(layout, poll.TimeRange{From: from, To: to})
		w.matches[sessionRefOf(login(at))] = tracedMatch{clickhouselog.Trace{ID: [16]byte{byte(at)}}, traceMatch{at, true}}
		return w
	}
	tr := New(Options{})
	tr.window = answer(10, 20, 16)
	tr.ahead = &aheadQuestion{logins: poll.TimeRange{From: 20, To: 40}, stop: func() {}, done: make(chan struct{}), answer: answer(20, 40, 25)}
	close(tr.ahead.done)
	require.NoError(t, tr.Prepare(t.Context(), nil, layout, 100, poll.TimeRange{From: 15, To: 30}, nil))
	for _, at := range []int64{16, 25} {
		var e session.Event
		tr.Correlate(login(at), &e)
		require.Equal(t, [16]byte{byte(at)}, e.TraceID, at)
	}
}
