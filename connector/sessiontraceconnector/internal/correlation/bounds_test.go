package correlation

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestEverythingIsForgottenInTime(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 0))
	s.event(s.login(2, 0, failed))
	s.event(s.login(3, 0))
	s.event(s.login(3, 1, logout))
	s.later(4 * 60)
	require.EqualValues(t, 3, s.stats().Sessions)
	s.later(2 * 60)
	require.EqualValues(t, 1, s.stats().Sessions)
	require.Len(t, s.open(), 1)
	s.later(55 * 60)
	require.Zero(t, s.stats().Sessions)
	require.Empty(t, s.open(), "assumed closed")
	require.Zero(t, s.stats().EvictedSessions, "nothing was forgotten early")

	s.span(span(1, 3600, bySession("s4")))
	s.later(6 * 60)
	_, ok := s.event(s.login(4, 3600))
	require.False(t, ok, "the span is too old")
}

func TestNoMoreThanMaxSessions(t *testing.T) {
	s := newScene(t, func(l *Limits) { l.MaxSessions = 3 })
	s.event(s.login(1, 1))
	s.event(s.login(2, 2))
	for n := range byte(20) {
		s.event(s.login(100+n, 3, failed))
	}
	require.EqualValues(t, 3, s.stats().Sessions)
	require.EqualValues(t, 19, s.stats().EvictedSessions)
	for _, id := range []string{"s1", "s2"} {
		_, ok := s.span(span(1, 4, bySession(id)))
		require.True(t, ok, "failed logins make way first")
	}
	require.Len(t, s.updates(), 2)
	s.event(s.login(3, 5))
	s.span(span(1, 5, bySession("s3")))
	s.event(s.login(4, 5))
	s.event(s.login(5, 5))
	s.event(s.login(6, 5))
	require.EqualValues(t, 1, s.stats().DroppedUpdates, "the update of the third was not fetched in time")
	require.Empty(t, s.updates())
}

func TestNoMoreThanMaxBytes(t *testing.T) {
	s := newScene(t, func(l *Limits) { l.MaxBytes, l.MaxSessions = 1<<20, 1<<20 })
	long := func(e *session.Event) { e.User = string(make([]byte, 4000)) }
	for i := range 200 {
		s.event(s.login(1, float64(i), long, func(e *session.Event) { e.SessionKey = session.ID{byte(i), 1} }))
		require.LessOrEqual(t, s.stats().Bytes, int64(1<<20))
	}
	require.NotZero(t, s.stats().EvictedSessions)
	require.Greater(t, s.stats().Sessions, int64(50))
}

// One login cannot push out the others by its size.
func TestAHugeLoginIsNotRemembered(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 1))
	_, ok := s.event(s.login(2, 2, func(e *session.Event) { e.User = strings.Repeat("x", 10<<20) }))
	require.False(t, ok)
	s.event(s.login(3, 3, func(e *session.Event) { e.Instance = strings.Repeat("x", 10<<20) }))
	require.EqualValues(t, 1, s.stats().Sessions)
	require.EqualValues(t, 2, s.stats().EvictedSessions)
	require.Len(t, s.store.readUntil, 1)
}

// A span whose keys are known costs nothing but time, whether it is somebody's or not; one of a new key its place in the memory.
func TestSpansDoNotAllocate(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 0, func(e *session.Event) { e.TraceID = [16]byte{1} }))
	n := int32(0)
	stranger, own := span(1, 1, bySession("nobody"), byUser("nobody", "192.0.2.1")), span(2, 1, bySession("s1"))
	pass := func() {
		b := s.store.Begin(epoch)
		for i, a := range []*SpanAttributes{stranger, own} {
			_, ok := b.RecordSpan(a)
			require.Equal(t, i == 1, ok)
		}
		b.End()
	}
	for range tracesPerKey {
		n++
		stranger.TraceID[1] = byte(n)
		pass()
	}
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		n++
		stranger.TraceID[1], stranger.TraceID[2] = byte(n), byte(n>>8)
		pass()
	}))
	require.LessOrEqual(t, testing.AllocsPerRun(2000, func() {
		n++
		stranger.Port, stranger.TraceID[1], stranger.TraceID[2] = n, byte(n), byte(n>>8)
		pass()
	}), 2.0, "a key and its trace; the maps grow seldom")
}

// The bytes that the limit counts are those that the process pays, give or take what the maps have to spare.
func TestMemoryIsWhatItSays(t *testing.T) {
	const limit = 8 << 20
	before := heap()
	s := newScene(t, func(l *Limits) { l.MaxBytes, l.MaxSessions = limit, 1<<30 })
	for i := range 40_000 {
		s.event(s.login(1, float64(i)/1000, port(int32(i%60000)), func(e *session.Event) {
			e.SessionKey = session.ID{byte(i), byte(i >> 8), byte(i >> 16), 1}
			e.SessionID, e.User = e.SessionKey.String(), "user-"+e.SessionKey.String()[:8]
		}))
	}
	stats := s.stats()
	require.NotZero(t, stats.EvictedSessions)
	require.LessOrEqual(t, stats.Bytes, int64(limit))
	used := heap() - before
	t.Logf("%d logins; %d bytes counted, %d used", stats.Sessions, stats.Bytes, used)
	require.Less(t, used, int64(limit)*3/2)
	require.Greater(t, used, stats.Bytes*2/3)
	requireSound(t, s.store)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
