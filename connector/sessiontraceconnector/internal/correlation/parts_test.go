package correlation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestSpanMemory(t *testing.T) {
	m := newSpanMemory(1, 300) // one set
	see := func(key uint64, trace byte, start int64, seen uint32) {
		m.add(key, &sighting{trace: [16]byte{trace}, span: [8]byte{trace}, start: start, end: start + 1}, seen)
	}
	under := func(key uint64, now uint32) (traces []byte) {
		m.each(key, now, func(s *sighting) bool { traces = append(traces, s.trace[0]); return true })
		return traces
	}
	for n := range byte(10) { // a busy key keeps its first traces and the latest
		see(1, n, int64(n), 10)
	}
	require.ElementsMatch(t, []byte{0, 1, 2, 9}, under(1, 10))
	require.Zero(t, m.evicted)
	see(1, 1, -5, 11) // another span of a known trace
	m.each(1, 11, func(s *sighting) bool {
		if s.trace[0] == 1 {
			require.Equal(t, []int64{-5, 2}, []int64{s.start, s.end})
		}
		return true
	})
	for n := range byte(5) {
		see(uint64(10+n), n, 0, uint32(20+n))
	}
	require.EqualValues(t, 1, m.evicted, "the ninth pushed one out that was not seen for longest")
	require.Len(t, under(1, 20), 3)
	require.Empty(t, under(1, 312))
	require.Equal(t, []byte{4}, under(14, 312))
}

// A queue that is never empty uses its space again.
func TestQueue(t *testing.T) {
	q := queue{limit: 3}
	for i := range int64(1000) {
		require.True(t, q.push(handle{due: i}))
		if i < 2 {
			continue
		}
		require.False(t, q.push(handle{}))
		h, ok := q.peek()
		require.True(t, ok)
		require.Equal(t, i-2, h.due)
		q.pop()
	}
	require.LessOrEqual(t, cap(q.items), 8)
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
