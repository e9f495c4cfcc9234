package correlation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// An application may keep a session's id, and so its key, when another user logs in, and when one logs in again.
func TestASessionThatIsEnteredAnew(t *testing.T) {
	s := newScene(t)
	alice, bob := s.login(1, 10), s.login(1, 20, func(e *session.Event) { e.User = "bob" })
	require.Equal(t, alice.SessionKey, bob.SessionKey)
	for range 2 { // a record that comes again changes nothing
		s.event(alice)
		s.event(bob)
	}
	require.EqualValues(t, 2, s.stats().Sessions)
	require.Equal(t, map[ServerInstance]int64{{"clickhouse", "warehouse"}: 1}, s.open())
	whose := func(at float64) string {
		owner, _ := s.span(span(1, at, bySession("s1"), func(c *SpanAttributes) { c.End = c.Start + 1e8 }))
		return owner.User
	}
	require.Equal(t, "alice", whose(15))
	require.Equal(t, "bob", whose(25))
	s.event(s.login(1, 30, logout))
	require.Empty(t, s.open())
	require.Empty(t, whose(35))

	s.event(s.login(1, 40))
	require.Len(t, s.open(), 1)
	require.Equal(t, "alice", whose(45))
	require.Equal(t, "bob", whose(25))
	requireSound(t, s.store)
	s.later(3700)
	require.Zero(t, s.stats().Sessions)
	requireSound(t, s.store)
}

// Two sources' words about one login are one session.
func TestTwoRecordsOfOneLogin(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.event(s.login(1, 11)) // another record id
	s.event(s.login(1, 12, func(e *session.Event) { e.User = "" }))
	require.EqualValues(t, 1, s.stats().Sessions)
}

// What was typed stays off the spans as long as nobody says that it was right.
func TestALoginWithoutOutcome(t *testing.T) {
	s := newScene(t)
	unsaid := func(e *session.Event) { e.Outcome = session.OutcomeUnknown }
	first := s.login(1, 10, unsaid)
	s.event(first)
	owner, ok := s.span(span(1, 11, byPort("10.0.0.7", 40001)))
	require.True(t, ok)
	require.Equal(t, SpanOwner{SessionID: "s1", LoginUID: first.RecordID.String(), By: ClientPort}, owner)
	require.Equal(t, session.OutcomeUnknown, s.updates()[0].Outcome)

	s.event(s.login(1, 11, unsaid, func(e *session.Event) { e.Outcome = session.OutcomeSuccess }))
	owner, _ = s.span(span(1, 12, byPort("10.0.0.7", 40001)))
	require.Equal(t, "alice", owner.User)
	s.event(s.login(2, 10, unsaid, func(e *session.Event) { e.Kind = session.KindSessionStart }))
	owner, _ = s.span(span(1, 12, byPort("10.0.0.7", 40002)))
	require.Equal(t, "alice", owner.User, "a session that starts was let in")
}
