package correlation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// What several logins share by good evidence gives none of them the trace by weaker one, whichever came first.
func TestAnAmbiguousSpanIsNobodysTrace(t *testing.T) {
	for _, spanFirst := range []bool{false, true} {
		s := newScene(t)
		tell := func() { s.span(span(1, 11, bySession("s1"), byPort("10.0.0.7", 40001))) }
		if spanFirst {
			tell()
		}
		s.batch(func(b LockedStore) {
			both := []LearnedRecord{b.Learn(s.login(1, 10)), b.Learn(s.login(3, 10, func(e *session.Event) { e.SessionID = "s1" }))}
			for _, n := range both {
				_, ok := b.Trace(n)
				require.False(t, ok)
			}
		})
		if !spanFirst {
			tell()
		}
		require.Empty(t, s.updates())
	}

	// A database's login of another session, over the same connection, is no part of that.
	s := newScene(t)
	s.event(s.login(1, 10, port(1)))
	s.event(s.login(3, 10, port(3), func(e *session.Event) { e.SessionID = "s1" }))
	s.event(s.login(2, 10))
	s.span(span(1, 11, bySession("s1"), byPort("10.0.0.7", 40002)))
	require.Equal(t, "s2", s.updates()[0].SessionID)
}
