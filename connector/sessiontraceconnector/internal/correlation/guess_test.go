package correlation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func anonymous(e *session.Event) { e.SessionID, e.ClientPort = "", 0 }

// requireNoGuess tells a login of alice, lets its window pass, and wants no trace for it.
func requireNoGuess(t *testing.T, s *scene, at float64) {
	t.Helper()
	_, ok := s.event(s.login(1, at, anonymous))
	require.False(t, ok)
	s.later(60)
	require.Empty(t, s.updates())
}

// A trace that was there and is not remembered any more makes a guess none, too: one that had to make way for a later one
// of the same busy user, one that had to make way for want of room, one that is too long ago.
func TestAGuessNeedsAllThatWasThere(t *testing.T) {
	alice := byUser("alice", "10.0.0.7")
	t.Run("a busy user", func(t *testing.T) {
		s := newScene(t)
		for n, at := range []float64{0, 10, 20, 148, 152} {
			s.clock = at
			s.span(span(byte(n+1), at, alice))
		}
		requireNoGuess(t, s, 150)
		require.EqualValues(t, 1, s.stats().Ambiguous[UserAddress])
	})
	t.Run("a busy user, long before", func(t *testing.T) {
		s := newScene(t)
		for n, at := range []float64{0, 10, 20, 30, 40, 152} {
			s.clock = at
			s.span(span(byte(n+1), at, alice))
		}
		s.event(s.login(1, 150, anonymous))
		s.later(60)
		require.Equal(t, [16]byte{6}, s.updates()[0].TraceID)
	})
	t.Run("want of room", func(t *testing.T) {
		s := newScene(t, func(l *Limits) { l.MaxBytes = 4 * 8 * (bytesOfKey + bytesOfTrace) }) // eight traces
		s.span(span(1, 9, alice))
		for n := range int32(7) {
			s.later(1)
			s.span(span(50+byte(n), 12, byPort("192.0.2.1", n+1)))
		}
		s.later(1)
		s.span(span(2, 12, alice))
		require.EqualValues(t, 1, s.stats().EvictedSpans)
		requireNoGuess(t, s, 10)
	})
	t.Run("too long ago", func(t *testing.T) {
		s := newScene(t)
		s.span(span(1, 0, alice))
		s.later(20)
		s.span(span(2, 20, alice))
		s.later(330)
		requireNoGuess(t, s, 10)
	})
}

// Behind very many short connections of one user there may be another that lasts.
func TestAGuessAmongVeryManyLogins(t *testing.T) {
	s := newScene(t)
	nth := func(n int) func(*session.Event) {
		return func(e *session.Event) { anonymous(e); e.SessionKey = session.ID{7, byte(n), 1} }
	}
	s.event(s.login(1, 0, nth(0)))
	for n := range maxChainLength {
		s.event(s.login(1, 1+float64(n)/10, nth(n+1)))
		s.event(s.login(1, 1.05+float64(n)/10, nth(n+1), logout))
	}
	s.event(s.login(1, 10, nth(200)))
	_, ok := s.span(span(1, 10.5, byUser("alice", "10.0.0.7")))
	require.False(t, ok)
}

// TestGuessesAreTrue lets users click, some seldom and some all the time; a few clicks make a login that knows no port and no
// session. Spans and records arrive late. Whatever login gets a trace gets its own, and seldom users' logins get theirs.
func TestGuessesAreTrue(t *testing.T) {
	found := 0
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		s := newScene(t, func(l *Limits) { l.MaxBytes = 64 << 10 }) // too little for all that are clicking
		var arrive []arrival
		truth := map[session.ID][16]byte{}
		for user := range byte(60) {
			clue := byUser("user-"+string('0'+rune(user)), "10.0.0.7")
			for at := rnd.Float64() * 100; at < 900; at += rnd.ExpFloat64() * float64(5+10*int(user)) {
				c := span(user, at, clue)
				c.TraceID[1], c.TraceID[2] = byte(len(arrive)), byte(len(arrive)>>8)
				arrive = append(arrive, arrival{at + 1 + rnd.Float64()*5, func() { s.span(c) }})
				if rnd.IntN(4) > 0 {
					continue
				}
				n := len(truth)
				e := s.login(1, at+0.5, anonymous, func(e *session.Event) {
					e.User, e.SessionKey = "user-"+string('0'+rune(user)), session.ID{9, byte(n), byte(n >> 8)}
				})
				truth[e.SessionKey] = c.TraceID
				arrive = append(arrive, arrival{at + 1 + rnd.Float64()*200, func() {
					if trace, ok := s.event(e); ok {
						require.Equal(t, c.TraceID, trace.TraceID)
						found++
					}
				}})
			}
		}
		slices.SortFunc(arrive, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
		for _, a := range arrive {
			s.later(a.at - s.clock)
			a.do()
			for _, e := range s.updates() {
				require.Equal(t, truth[e.SessionKey], e.TraceID)
				found++
			}
		}
		require.NotZero(t, s.stats().EvictedSpans)
		require.NotZero(t, s.stats().Ambiguous[UserAddress])
	}
	require.NotZero(t, found)
	t.Logf("%d logins have their trace", found)
}
