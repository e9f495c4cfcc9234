package traces

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// In a backlog of years nearly every login may have a trace. Remembered are those alone that a look at new queries could meet.
func TestABacklogsTracesAreNotRemembered(t *testing.T) {
	const now = 1_750_000_000 * poll.SecondMicros
	matched := 0
	tr := New(Options{
		SessionAge: 24 * time.Hour, LogDelay: time.Minute, Store: &sourcetest.Store{}, StoreKey: "traces",
		Count: func(more, _ int) { matched += more },
	})
	tr.now = now
	deliver := func(id byte, begin, end int64) {
		login := clickhouselog.Row{Type: clickhouselog.TypeLoginSuccess, AuthID: session.ID{id}, Micros: begin}
		tr.window.matches = map[sessionRef]tracedMatch{sessionRefOf(&login): {traceMatch: traceMatch{end, true}}}
		tr.Delivered(&login)
	}
	for id := range byte(100) {
		at := now - int64(1+id)*poll.DayMicros
		deliver(id, at, at+poll.SecondMicros)
	}
	deliver(100, now-40*poll.DayMicros, stillOpen)
	require.Empty(t, tr.delivered)
	deliver(101, now-poll.MinuteMicros, now-poll.SecondMicros)
	deliver(102, now-poll.DayMicros/2, stillOpen)
	require.Len(t, tr.delivered, 2)
	require.Equal(t, 103, matched)

	// After three days away the first look at queries goes back to where the last one ended.
	tr.searched = now - 3*poll.DayMicros
	deliver(103, now-2*poll.DayMicros, now-2*poll.DayMicros+poll.SecondMicros)
	deliver(104, now-4*poll.DayMicros, now-4*poll.DayMicros+poll.SecondMicros)
	require.Len(t, tr.delivered, 3)
}
