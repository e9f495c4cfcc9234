package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// clockAt tells the time of the n-th typical event, an hour later: with a ttl of an hour, the n before it have expired.
func clockAt(n int) func() time.Time {
	var e session.Event
	sessiontest.Typical(&e, n)
	return func() time.Time { return time.Unix(0, e.Time).Add(time.Hour) }
}

func startAt(t *testing.T, cfg Config, n int) *eventStore {
	s := newStore(t, cfg)
	s.now = clockAt(n)
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, s.Shutdown(context.Background())) })
	return s
}

func TestExpiredAtTheDoor(t *testing.T) {
	cfg := testConfig(t)
	cfg.TTL = time.Hour
	s := startAt(t, cfg, 40)
	for range 2 {
		res, err := s.Write(t.Context(), typical(0, 100))
		require.NoError(t, err)
		require.Equal(t, 40, res.Expired)
		require.Equal(t, 60, res.Written+res.Duplicates)
	}
	require.Len(t, readAll(t, cfg), 60)
}

// TestExpiry deletes more than one slice, while somebody writes.
func TestExpiry(t *testing.T) {
	const old, young = 2*sliceRows + 500, 100
	cfg := testConfig(t)
	first := newStore(t, cfg)
	require.NoError(t, first.Start(t.Context()))
	_, err := first.Write(t.Context(), typical(0, old+young))
	require.NoError(t, err)
	forged := func(yield func(int, *session.Event) bool) {
		for i, e := range typical(0, 3) {
			e.User = "forged"
			yield(i, e)
		}
	}
	res, err := first.Write(t.Context(), forged)
	require.NoError(t, err)
	require.Equal(t, backend.Result{Conflicts: 3}, res)
	require.NoError(t, first.Shutdown(context.Background()))

	cfg.TTL, cfg.TTLConfirm = time.Hour, true
	s := startAt(t, cfg, old)
	for n := range 10 {
		res, err := s.Write(t.Context(), typical(old+young+n, old+young+n+1))
		require.NoError(t, err)
		require.Equal(t, 1, res.Written)
	}
	require.Eventually(t, func() bool { return len(readAll(t, cfg)) == young+10 }, 30*time.Second, 5*time.Millisecond)
	require.Equal(t, [][]string{{"0"}}, file{cfg}.Query(t, "SELECT count(*) FROM session_conflicts").Cells)
	requireSound(t, cfg)
}
