package correlation

import (
	"container/list"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

func TestUpdatesAreDeterministic(t *testing.T) {
	tell := func() session.Event {
		s := newScene(t)
		s.event(s.login(1, 10))
		s.span(span(1, 10, byPort("10.0.0.7", 40001)))
		s.span(span(2, 11, byPort("10.0.0.7", 40001)))
		updates := s.updates()
		require.Len(t, updates, 1, "one evidence, one update")
		require.Empty(t, s.updates())
		return updates[0]
	}
	first, second := tell(), tell()
	require.Equal(t, first, second)
	require.Equal(t, session.KindSessionUpdate, first.Kind)
	require.Equal(t, at(10), first.Time)
	require.Equal(t, "client_address_port", first.Correlation)
	require.Equal(t, session.TraceCorrelated, first.SourceEvent)
	require.Equal(t, "01a2001f-be10-8b0b-817a-4b4b758cf569", first.RecordID.String(), "an id that changed with a version of ours would tell every update twice")
	require.Equal(t, session.ID{0xff, 1}, first.SessionKey)
	require.Equal(t, []session.Attr{{Key: session.AttrLoginUID, Value: session.ID{0xee, 1, 0, 1}.String()}}, first.Extra)
	require.NotEqual(t, session.ID{0xee, 1, 0, 1}, first.RecordID)
}

func TestBetterEvidenceIsToldOnce(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.span(span(1, 10, byPort("10.0.0.7", 40001)))
	first := s.updates()
	s.span(span(1, 10, bySession("s1")))
	require.Empty(t, s.updates(), "the same trace by better evidence is nothing new")
	s.span(span(2, 10, bySession("s1")))
	require.Empty(t, s.updates(), "equal evidence: the first stays")
	require.Len(t, first, 1)

	s = newScene(t)
	s.event(s.login(1, 10))
	s.span(span(1, 10, byPort("10.0.0.7", 40001)))
	require.Len(t, s.updates(), 1)
	s.span(span(2, 10, bySession("s1")))
	second := s.updates()
	require.Len(t, second, 1)
	require.NotEqual(t, first[0].RecordID, second[0].RecordID)
}

// What a record says of its own trace is never replaced, and neither is what another finder has said.
func TestARecordsOwnTraceStays(t *testing.T) {
	s := newScene(t)
	own := func(e *session.Event) { e.TraceID = [16]byte{7} }
	_, ok := s.event(s.login(1, 10, own))
	require.False(t, ok)
	s.span(span(1, 10, bySession("s1")))
	require.Empty(t, s.updates())

	s.event(s.login(2, 10))
	s.event(s.login(2, 10, own, func(e *session.Event) { e.Kind = session.KindSessionUpdate }))
	s.span(span(1, 10, bySession("s2")))
	require.Empty(t, s.updates())
}

// A record that comes again, as after a failed delivery, has the same answer and opens no second session.
func TestARecordThatComesAgain(t *testing.T) {
	s := newScene(t)
	login := s.login(1, 10)
	s.span(span(1, 10, bySession("s1")))
	for range 3 {
		trace, ok := s.event(login)
		requireTrace(t, 1, SessionID, trace, ok)
	}
	require.EqualValues(t, 1, s.stats().Sessions)
	require.Equal(t, map[ServerInstance]int64{{"clickhouse", "warehouse"}: 1}, s.open())
	s.event(s.login(1, 20, logout))
	s.event(login)
	require.Empty(t, s.open(), "a login that comes again after its logout opens nothing")
}

func (s *scene) open() map[ServerInstance]int64 {
	open := map[ServerInstance]int64{}
	s.batch(func(b LockedStore) { b.Open(func(p ServerInstance, n int64) { open[p] = n }) })
	return open
}

// Redshift tells of a session's start beside its login: one session, known by its login.
func TestASessionsStartIsOfTheSameSession(t *testing.T) {
	s := newScene(t)
	start := func(e *session.Event) { e.Kind = session.KindSessionStart }
	s.event(s.login(1, 11, start))
	login := s.login(1, 10)
	s.event(login)
	require.EqualValues(t, 1, s.stats().Sessions)
	owner, ok := s.span(span(1, 10, bySession("s1")))
	require.True(t, ok)
	require.Equal(t, login.RecordID.String(), owner.LoginUID)
}

// PostgreSQL may refuse a connection that was taken for a login; the correction says so.
func TestACorrectionEndsTheSession(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 10))
	s.event(s.login(1, 10.1, failed, func(e *session.Event) { e.Kind, e.SourceEvent = session.KindSessionUpdate, "FATAL" }))
	require.Empty(t, s.open())
	_, ok := s.span(span(1, 20, bySession("s1")))
	require.False(t, ok)
}

// TestTheStoreIsSound does all things at random and looks at every link after each.
func TestTheStoreIsSound(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		s := newScene(t, func(l *Limits) { l.MaxSessions = 20 })
		for range 400 {
			n, now := byte(rnd.IntN(30)), s.clock+rnd.Float64()*10-5
			switch rnd.IntN(7) {
			case 0, 1:
				s.event(s.login(n, now, port(int32(rnd.IntN(5)))))
			case 2:
				s.event(s.login(n, now, failed))
			case 3:
				s.event(s.login(n, now, logout))
			case 4, 5:
				s.span(span(n, now, bySession("s"+string('0'+rune(rnd.IntN(30)))), byPort("10.0.0.7", int32(rnd.IntN(5))), func(c *SpanAttributes) { c.User = "alice" }))
			case 6:
				if s.later(rnd.Float64() * 100); rnd.IntN(3) == 0 {
					s.updates()
				}
			}
			requireSound(t, s.store)
		}
		require.NotZero(t, s.stats().EvictedSessions)
		require.NotZero(t, s.stats().Spans[ClientPort]+s.stats().Spans[SessionID])
	}
}

func requireSound(t *testing.T, s *Store) {
	t.Helper()
	m := s.logins
	var bytes int64
	open, n, undecided, updates := map[ServerInstance]int64{}, 0, 0, 0
	for _, logins := range []*list.List{m.lasting, m.ended} {
		for e := logins.Front(); e != nil; e = e.Next() {
			l := e.Value.(*rememberedLogin)
			require.Same(t, e, l.byAge)
			require.Same(t, l, m.byID[l.id])
			require.Equal(t, logins == m.ended, l.hasEnded)
			if next := e.Next(); next != nil {
				require.GreaterOrEqual(t, l.lastSeen, next.Value.(*rememberedLogin).lastSeen)
			}
			if bytes, n = bytes+l.bytes, n+1; !l.hasEnded {
				open[l.serverPlace()]++
			}
			if l.undecided != nil {
				undecided++
			}
			if l.update != nil {
				updates++
			}
			for by, key := range l.evidenceKeys {
				if key != 0 {
					require.True(t, isInChain(m, by, key, l))
				}
			}
		}
	}
	require.Len(t, m.byID, n)
	require.Equal(t, bytes, m.bytes)
	require.Equal(t, open, m.openSessions)
	require.LessOrEqual(t, n, s.limits.MaxSessions)
	require.Equal(t, undecided, s.undecided.Len())
	require.Equal(t, updates, s.updates.Len())
	requireSpansSound(t, s.spans)
}

func requireSpansSound(t *testing.T, m *spanMemory) {
	t.Helper()
	var bytes int64
	for _, traces := range m.byKey.Values() {
		bytes += sizeOfTraces(traces)
	}
	require.Equal(t, bytes, m.bytes)
}

func isInChain(m *loginMemory, by int, key uint64, want *rememberedLogin) bool {
	found := false
	var before *rememberedLogin
	for l := m.newest[by][key]; l != nil; l = l.older[by] {
		if l.newer[by] != before {
			return false
		}
		found, before = found || l == want, l
	}
	return found
}
