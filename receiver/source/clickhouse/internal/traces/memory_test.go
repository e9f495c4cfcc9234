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
	const now = 1_750_000_000 * poll.Second
	matched := 0
	tr := New(Options{
		SessionAge: 24 * time.Hour, LogDelay: time.Minute, Store: &sourcetest.Store{}, StoreKey: "traces",
		Count: func(more, _ int) { matched += more },
	})
	tr.now = now
	deliver := func(id byte, begin, end int64) {
		login := clickhouselog.Row{Type: clickhouselog.LoginSuccess, AuthID: session.ID{id}, Micros: begin}
		tr.window.matches = map[sessionRef]tracedMatch{sessionRefOf(&login): {match: match{end, true}}}
		tr.Delivered(&login)
	}
	for id := range byte(100) {
		at := now - int64(1+id)*poll.Day
		deliver(id, at, at+poll.Second)
	}
	deliver(100, now-40*poll.Day, stillOpen)
	require.Empty(t, tr.delivered)
	deliver(101, now-poll.Minute, now-poll.Second)
	deliver(102, now-poll.Day/2, stillOpen)
	require.Len(t, tr.delivered, 2)
	require.Equal(t, 103, matched)

	// After three days away the first look at queries goes back to where the last one ended.
	tr.searched = now - 3*poll.Day
	deliver(103, now-2*poll.Day, now-2*poll.Day+poll.Second)
	deliver(104, now-4*poll.Day, now-4*poll.Day+poll.Second)
	require.Len(t, tr.delivered, 3)
}
