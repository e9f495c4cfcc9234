package correlation

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestSpanMemory(t *testing.T) {
	const second = int64(1e9)
	m := newSpanMemory(8*bytesOfKey+10*bytesOfTrace, 300*second)
	see := func(key uint64, trace byte, start, seen int64) {
		m.rememberTrace(key, seenTrace{trace: [16]byte{trace}, span: [8]byte{trace}, start: start, end: start + 1}, storeClock{now: seen * second})
	}
	under := func(key uint64, now int64) (traces []byte) {
		m.eachTrace(key, storeClock{now: now * second}, func(s *seenTrace) { traces = append(traces, s.trace[0]) })
		return traces
	}
	for n := range byte(10) { // a busy key keeps its first traces and the latest
		see(1, n, int64(n), 10)
	}
	require.ElementsMatch(t, []byte{0, 1, 2, 9}, under(1, 10))
	require.Zero(t, m.evicted)
	see(1, 1, -5, 11) // another span of a known trace
	m.eachTrace(1, storeClock{now: 11 * second}, func(s *seenTrace) {
		if s.trace[0] == 1 {
			require.Equal(t, []int64{-5, 2}, []int64{s.start, s.end})
		}
	})
	for n := range byte(5) {
		see(uint64(10+n), n, 0, 20+int64(n))
	}
	require.Zero(t, m.evicted)
	see(1, 0, 0, 25)
	see(15, 5, 0, 26)
	see(16, 6, 0, 27)
	require.EqualValues(t, 1, m.evicted, "the one that was not seen for longest")
	require.Empty(t, under(10, 27))
	require.ElementsMatch(t, []byte{0, 1, 2, 9}, under(1, 27))
	require.ElementsMatch(t, []byte{0}, under(1, 312))
	require.LessOrEqual(t, m.bytes, m.limit)

	m.expireTraces(storeClock{now: 326 * second})
	require.EqualValues(t, 1, m.evicted, "what has had its time is not counted")
	require.Equal(t, 2, m.byKey.Len())
	require.Equal(t, 2*(bytesOfKey+bytesOfTrace), m.bytes)
}

// A span that says it ends in a hundred years does not make all guesses incomplete once it is evicted.
func TestAnEvictedSpanOfTheFuture(t *testing.T) {
	m := newSpanMemory(bytesOfKey+bytesOfTrace, int64(time.Hour))
	m.rememberTrace(1, seenTrace{trace: [16]byte{1}, end: math.MaxInt64}, storeClock{now: 10, wall: 1010})
	m.rememberTrace(2, seenTrace{trace: [16]byte{2}}, storeClock{now: 20, wall: 1020})
	require.EqualValues(t, 1, m.evicted)
	require.True(t, m.mayLackTraces(3, storeClock{now: 20, wall: 1020}, 1010))
	require.False(t, m.mayLackTraces(3, storeClock{now: 20, wall: 1020}, 1011))
}

func TestNormalAddress(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.7": "10.0.0.7", "::ffff:10.0.0.7": "10.0.0.7", "2001:DB8:0:0::1": "2001:db8::1", "2001:db8::1": "2001:db8::1", "::1": "::1",
		"": "", "[local]": "[local]", "db.example.org": "db.example.org", "::ffff:zz": "::ffff:zz", "::FFFF:10.0.0.7": "10.0.0.7", "fe80::1%eth0": "fe80::1%eth0",
	} {
		require.Equal(t, want, NormalAddress(in))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { NormalAddress("2001:db8::1"); NormalAddress("::ffff:10.0.0.7") }))
}

// A key that very many share proves nothing, and costs no walk along all of them.
func TestACrowdedKey(t *testing.T) {
	s := newScene(t)
	for i := range 200 {
		s.event(s.login(1, 10, func(e *session.Event) { e.SessionKey, e.SessionID = session.ID{byte(i), 2}, "shared" }))
	}
	_, ok := s.span(span(1, 11, bySession("shared")))
	require.False(t, ok)
}
