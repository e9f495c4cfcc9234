package clickhouse

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
	counts := &counter{}
	tr := &tracer{back: 24 * time.Hour, grace: time.Minute, store: &sourcetest.Store{}, key: "traces", stats: counts, now: now}
	require.NoError(t, tr.load(t.Context()))
	told := func(id byte, begin, end int64) {
		s := traced{sure: true, end: end, row: clickhouselog.Row{Type: clickhouselog.LoginSuccess, AuthID: session.ID{id}, Micros: begin}}
		tr.found = map[sessionRef]*traced{refOf(&s.row): &s}
		tr.rowTold(&s.row)
	}
	for id := range byte(100) {
		at := now - int64(1+id)*poll.Day
		told(id, at, at+poll.Second)
	}
	told(100, now-40*poll.Day, never)
	require.Empty(t, tr.told)
	told(101, now-poll.Minute, now-poll.Second)
	told(102, now-poll.Day/2, never)
	require.Len(t, tr.told, 2)
	matched, _ := counts.Correlations()
	require.Equal(t, 103, matched)

	// After three days away the first look at queries goes back to where the last one ended.
	tr.looked = now - 3*poll.Day
	told(103, now-2*poll.Day, now-2*poll.Day+poll.Second)
	told(104, now-4*poll.Day, now-4*poll.Day+poll.Second)
	require.Len(t, tr.told, 3)
}
