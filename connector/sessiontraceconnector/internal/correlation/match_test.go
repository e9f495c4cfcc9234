package correlation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Every evidence ties a span to its login, whichever comes first; the three spans differ in what they say.
func TestEveryEvidence(t *testing.T) {
	for by, clue := range map[Evidence]func(*SpanAttributes){
		SessionID: bySession("s1"), ClientPort: byPort("10.0.0.7", 40001), UserAddress: byUser("alice", "10.0.0.7"),
	} {
		t.Run(by.String()+", login first", func(t *testing.T) {
			s := newScene(t)
			login := s.login(1, 10)
			_, ok := s.event(login)
			require.False(t, ok, "no span is known yet")
			owner, ok := s.span(span(1, 10.5, clue))
			require.True(t, ok)
			require.Equal(t, SpanOwner{SessionID: "s1", User: "alice", LoginUID: login.RecordID.String(), By: by}, owner)
			s.later(60) // a guess waits for its window
			updates := s.updates()
			require.Len(t, updates, 1)
			require.Equal(t, [16]byte{1}, updates[0].TraceID)
			require.Equal(t, by.String(), updates[0].Correlation)
		})
		t.Run(by.String()+", span first", func(t *testing.T) {
			s := newScene(t)
			_, ok := s.span(span(1, 10.5, clue))
			require.False(t, ok, "no login is known yet")
			s.later(60)
			trace, ok := s.event(s.login(1, 10))
			requireTrace(t, 1, by, trace, ok)
			require.Empty(t, s.updates(), "the record has it already")
		})
	}
}

func TestTheBestEvidenceCounts(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.event(s.login(2, 10))
	owner, ok := s.span(span(1, 11, bySession("s1"), byPort("10.0.0.7", 40002)))
	require.True(t, ok)
	require.Equal(t, SessionID, owner.By)
	require.Equal(t, "s1", owner.SessionID)

	// What is ambiguous by good evidence does not become clear by weaker one.
	s.event(s.login(3, 10, func(e *session.Event) { e.SessionID, e.ClientAddress = "s1", "10.0.0.9" }))
	_, ok = s.span(span(1, 11, bySession("s1"), byPort("10.0.0.7", 40001)))
	require.False(t, ok)
	require.EqualValues(t, 2, s.stats().Ambiguous[SessionID], "the third login, for which a span was there, and the span")
}

// A session's login is of its first trace, or of the one during which it happened.
func TestWhichTraceOfMany(t *testing.T) {
	s := newScene(t)
	for _, c := range []*SpanAttributes{span(3, 30, bySession("s1")), span(1, 20, bySession("s1")), span(2, 25, bySession("s1")), span(4, 12, bySession("s2"))} {
		s.span(c)
	}
	trace, ok := s.event(s.login(1, 15))
	requireTrace(t, 1, SessionID, trace, ok)

	s = newScene(t)
	for _, c := range []*SpanAttributes{span(1, 20, bySession("s1")), span(2, 14.5, bySession("s1")), span(3, 16, bySession("s1")), span(4, 1, bySession("s1"))} {
		s.span(c)
	}
	trace, ok = s.event(s.login(1, 15))
	requireTrace(t, 2, SessionID, trace, ok)
}

func TestSpansOutsideOfTheSession(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.event(s.login(1, 20, logout))
	for _, c := range []struct {
		start float64
		fits  bool
	}{{8, false}, {8.95, true}, {10, true}, {15, true}, {20, true}, {20.05, true}, {20.2, false}, {100, false}} {
		for _, clue := range []func(*SpanAttributes){bySession("s1"), byPort("10.0.0.7", 40001)} {
			_, ok := s.span(span(9, c.start, clue))
			require.Equal(t, c.fits, ok, "%v s", c.start)
		}
	}
}

// Two sessions behind one address and port: a proxy, or a port used again after a logout that was lost.
func TestASharedPortIsNoMatch(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10, port(50000)))
	_, ok := s.span(span(1, 10, byPort("10.0.0.7", 50000)))
	require.True(t, ok)
	s.event(s.login(2, 12, port(50000)))
	_, ok = s.span(span(2, 12, byPort("10.0.0.7", 50000)))
	require.False(t, ok)
	require.EqualValues(t, 1, s.stats().Ambiguous[ClientPort])

	// After its logout the port belongs to the other.
	s.event(s.login(1, 20, logout, port(50000)))
	_, ok = s.span(span(3, 21, byPort("10.0.0.7", 50000)))
	require.True(t, ok)

	// A span that names the user tells them apart; one that names somebody else is nobody's.
	s.event(s.login(3, 30, port(50000), func(e *session.Event) { e.User = "bob" }))
	owner, ok := s.span(span(4, 31, byPort("10.0.0.7", 50000), func(c *SpanAttributes) { c.User = "bob" }))
	require.True(t, ok)
	require.Equal(t, "bob", owner.User)
	_, ok = s.span(span(5, 31, byPort("10.0.0.7", 50000), func(c *SpanAttributes) { c.User = "carol" }))
	require.False(t, ok)
}

// A record is given no trace that another login could claim as well.
func TestASharedSpanIsNoMatchForRecords(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10, port(50000)))
	s.updates()
	s.span(span(1, 11, byPort("10.0.0.7", 50000)))
	require.Len(t, s.updates(), 1)
	_, ok := s.event(s.login(2, 11.5, port(50000)))
	require.False(t, ok)
}

// One local port may lead to two databases at once: what the span says of its database decides.
func TestAnotherSystemIsNoMatch(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10, port(50000)))
	postgres := func(e *session.Event) { e.System, e.Host = session.SystemPostgreSQL, "pg-0" }
	s.event(s.login(2, 10, port(50000), postgres))
	owner, ok := s.span(span(1, 11, byPort("10.0.0.7", 50000), func(c *SpanAttributes) { c.System = session.SystemPostgreSQL }))
	require.True(t, ok)
	require.Equal(t, "s2", owner.SessionID)
}

// 127.0.0.1 is another machine's where the two name different hosts.
func TestLoopbackIsOfOneMachine(t *testing.T) {
	local := func(e *session.Event) { e.ClientAddress = "127.0.0.1" }
	for host, fits := range map[string]bool{"ch-0": true, "": true, "web-1": false} {
		s := newScene(t)
		s.event(s.login(1, 10, local))
		_, ok := s.span(span(1, 11, byPort("127.0.0.1", 40001), func(c *SpanAttributes) { c.Host = host }))
		require.Equal(t, fits, ok, host)
		s.event(s.login(2, 10)) // any other address is the same everywhere
		_, ok = s.span(span(1, 11, byPort("10.0.0.7", 40002), func(c *SpanAttributes) { c.Host = host }))
		require.True(t, ok)
	}
}

// An address and port of which nothing was heard for long prove nothing.
func TestAnIdlePortProvesNothing(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.later(9 * 60)
	_, ok := s.span(span(1, 9*60, byPort("10.0.0.7", 40001)))
	require.True(t, ok)
	s.later(9 * 60)
	_, ok = s.span(span(1, 18*60, byPort("10.0.0.7", 40001)))
	require.True(t, ok, "it was heard of nine minutes ago")
	s.later(11 * 60)
	_, ok = s.span(span(2, 29*60, byPort("10.0.0.7", 40001)))
	require.False(t, ok)
	_, ok = s.span(span(3, 29*60, bySession("s1")))
	require.True(t, ok, "a session id stays the session's")
}

func TestGuesses(t *testing.T) {
	alice := byUser("alice", "10.0.0.7")
	anonymous := func(e *session.Event) { e.SessionID, e.ClientPort = "", 0 }
	t.Run("two traces are none", func(t *testing.T) {
		s := newScene(t)
		s.event(s.login(1, 10, anonymous))
		s.span(span(1, 11, alice))
		s.later(29)
		require.Empty(t, s.updates(), "the window has not passed")
		s.span(span(2, 30, alice))
		s.later(60)
		require.Empty(t, s.updates())
		require.EqualValues(t, 1, s.stats().Ambiguous[UserAddress])
	})
	t.Run("two logins are none", func(t *testing.T) {
		s := newScene(t)
		s.event(s.login(1, 10, anonymous))
		s.event(s.login(2, 12, anonymous))
		_, ok := s.span(span(1, 11, alice))
		require.False(t, ok)
		s.later(60)
		require.Empty(t, s.updates())
	})
	t.Run("outside of the window", func(t *testing.T) {
		s := newScene(t)
		s.event(s.login(1, 10, anonymous))
		_, ok := s.span(span(1, 41, alice))
		require.False(t, ok)
		_, ok = s.span(span(1, 39, alice))
		require.True(t, ok)
	})
	t.Run("another address or user", func(t *testing.T) {
		s := newScene(t)
		s.event(s.login(1, 10, anonymous))
		for _, clue := range []func(*SpanAttributes){byUser("alice", "10.0.0.8"), byUser("bob", "10.0.0.7"), byUser("alice", ""), byUser("", "10.0.0.7")} {
			_, ok := s.span(span(1, 11, clue))
			require.False(t, ok)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		s := newScene(t, func(l *Limits) { l.Window = 0 })
		s.event(s.login(1, 10, anonymous))
		_, ok := s.span(span(1, 10, alice))
		require.False(t, ok)
		s.later(60)
		require.Empty(t, s.updates())
	})
}

// A failed login is tied to the span during which it happened, and its name, which may be a password, goes nowhere.
func TestFailedLogins(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10, failed))
	_, ok := s.span(span(1, 12, byPort("10.0.0.7", 40001)))
	require.False(t, ok)
	require.Empty(t, s.updates(), "the span came after it")
	_, ok = s.span(span(2, 9.5, byPort("10.0.0.7", 40001)))
	require.False(t, ok, "a span never bears the name of a failed login")
	s.later(29)
	require.Empty(t, s.updates(), "another login of that moment may still come")
	s.later(2)
	updates := s.updates()
	require.Len(t, updates, 1)
	require.Equal(t, session.OutcomeFailure, updates[0].Outcome)
	require.True(t, updates[0].SessionKey.IsZero(), "no session began")
	require.Empty(t, updates[0].SessionID)

	// Whoever succeeds after that, under the same key, is another matter.
	login := s.login(1, 20)
	s.event(login)
	owner, ok := s.span(span(3, 20, byPort("10.0.0.7", 40001)))
	require.True(t, ok)
	require.Equal(t, login.RecordID.String(), owner.LoginUID)
}

// Requests over one connection to ClickHouse's HTTP interface are sessions of their own, a few milliseconds apart. A span is
// given to one of them only when all are known that it could belong to.
func TestRequestsOverOneConnection(t *testing.T) {
	request := func(e *session.Event) { e.Interface, e.ClientPort, e.SessionID = "HTTP", 50000, "" }
	during := func(trace byte, from, to float64) *SpanAttributes {
		return span(trace, from, byPort("10.0.0.7", 50000), func(c *SpanAttributes) { c.End = at(to) })
	}
	s := newScene(t)
	first := s.login(1, 10.01, request)
	s.event(first)
	_, ok := s.span(during(2, 10.06, 10.09))
	require.False(t, ok, "of the second request, whose login is not read yet")
	s.event(s.login(2, 10.07, request))
	s.span(during(1, 10, 10.05))
	s.event(s.login(3, 60, request))
	_, ok = s.span(during(1, 10, 10.05))
	require.False(t, ok, "the clocks are not that exact")
	s.later(60)
	require.Empty(t, s.updates())

	s = newScene(t, func(l *Limits) { l.Tolerance = 0 }) // one machine, one clock
	s.event(s.login(1, 10.01, request))
	s.event(s.login(2, 10.07, request))
	owner, ok := s.span(during(1, 10, 10.05))
	require.True(t, ok)
	require.Equal(t, session.ID{0xee, 1, 0, 1}.String(), owner.LoginUID)
	_, ok = s.span(during(2, 10.06, 10.09))
	require.False(t, ok, "nothing later has been read")
	require.Len(t, s.updates(), 1)
	s.event(s.login(3, 11, request))
	_, ok = s.span(during(2, 10.06, 10.09))
	require.True(t, ok)
	require.Len(t, s.updates(), 1)

	// Another node's log says nothing of how far this one's has been read.
	s = newScene(t)
	s.event(s.login(1, 10, request))
	s.event(s.login(2, 60, func(e *session.Event) { e.Host = "ch-1" }))
	_, ok = s.span(during(1, 9.9, 10.1))
	require.False(t, ok)
	s.event(s.login(3, 60))
	_, ok = s.span(during(1, 9.9, 10.1))
	require.True(t, ok)

	// A request is over at once, even if its logout was lost.
	s = newScene(t)
	s.event(s.login(1, 10, request))
	s.later(60)
	_, ok = s.span(during(1, 20, 21))
	require.False(t, ok)

	// The same, spans first, in one page of records.
	s = newScene(t, func(l *Limits) { l.Tolerance = 0 })
	s.span(during(1, 10, 10.05))
	s.span(during(2, 10.06, 10.09))
	s.batch(func(b LockedStore) {
		notes := []LearnedRecord{b.Learn(s.login(1, 10.01, request)), b.Learn(s.login(2, 10.07, request))}
		trace, ok := b.Trace(notes[0])
		requireTrace(t, 1, ClientPort, trace, ok)
		_, ok = b.Trace(notes[1])
		require.False(t, ok, "the last of the page")
	})
	s.later(31)
	require.Equal(t, [16]byte{2}, s.updates()[0].TraceID)
}

// A logout has the trace that lasted when it happened, not the login's.
func TestLogouts(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.span(span(1, 10, bySession("s1")))
	s.span(span(2, 49.5, bySession("s1")))
	trace, ok := s.event(s.login(1, 50, logout))
	requireTrace(t, 2, SessionID, trace, ok)
	_, ok = s.event(s.login(2, 60, logout)) // of a session that nobody saw beginning
	require.False(t, ok)
}
