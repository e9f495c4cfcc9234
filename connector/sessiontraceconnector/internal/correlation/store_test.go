package correlation

import (
	"math/rand/v2"
	"runtime"
	"strings"
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
	require.Equal(t, Correlated, first.SourceEvent)
	require.Equal(t, "01a2001f-be10-8b0b-817a-4b4b758cf569", first.RecordID.String(), "an id that changed with a version of ours would tell every update twice")
	require.Equal(t, session.ID{0xff, 1}, first.SessionKey)
	require.Equal(t, []session.Attr{{Key: LoginUID, Value: session.ID{0xee, 1, 0, 1}.String()}}, first.Extra)
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
	require.Equal(t, map[Place]int64{{"clickhouse", "warehouse"}: 1}, s.open())
	s.event(s.login(1, 20, logout))
	s.event(login)
	require.Empty(t, s.open(), "a login that comes again after its logout opens nothing")
}

func (s *scene) open() map[Place]int64 {
	open := map[Place]int64{}
	s.batch(func(b Batch) { b.Open(func(p Place, n int64) { open[p] = n }) })
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
	require.Len(t, s.store.latest, 1)
}

// A span costs nothing but time, whatever it says, whether it is somebody's or not.
func TestSpansDoNotAllocate(t *testing.T) {
	s := newScene(t)
	s.event(s.login(1, 0, func(e *session.Event) { e.TraceID = [16]byte{1} }))
	n := int32(0)
	spans := []Span{{Clues: *span(1, 1, bySession("nobody"), byUser("nobody", "192.0.2.1"))}, {Clues: *span(2, 1, bySession("s1"))}}
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		n++
		spans[0].Port, spans[0].TraceID[1], spans[0].TraceID[2] = n, byte(n), byte(n>>8)
		b := s.store.Begin(epoch)
		b.Prepare(spans)
		for i := range spans {
			_, ok := b.Span(&spans[i])
			require.Equal(t, i == 1, ok)
		}
		b.End()
	}))
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
				s.span(span(n, now, bySession("s"+string('0'+rune(rnd.IntN(30)))), byPort("10.0.0.7", int32(rnd.IntN(5))), func(c *Clues) { c.User = "alice" }))
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
	open, n := map[Place]int64{}, 0
	for _, where := range []list{m.lasting, m.over} {
		before := nobody
		for i := where.front; i != nobody; i = m.at(i).next {
			l := m.at(i)
			require.Equal(t, before, l.prev)
			require.Equal(t, i, m.byID[l.id])
			require.Equal(t, where == m.over, l.ended)
			if bytes, n = bytes+l.bytes, n+1; !l.ended {
				open[Place{l.system, l.instance}]++
			}
			for k, key := range l.keys {
				if key != 0 {
					require.True(t, inChain(m, k, key, i))
				}
			}
			before = i
		}
		require.Equal(t, before, where.back)
	}
	require.Equal(t, n, m.used)
	require.Len(t, m.byID, n)
	require.Equal(t, bytes, m.bytes)
	require.Equal(t, open, m.open)
	require.LessOrEqual(t, n, s.limits.MaxSessions)
	require.Len(t, m.free, len(m.slab)*chunk-n)
}

func inChain(m *logins, k int, key uint64, want int32) bool {
	found, before := false, nobody
	for i, ok := m.heads[k][key]; ok && i != nobody; i = m.at(i).down[k] {
		if m.at(i).up[k] != before {
			return false
		}
		found, before = found || i == want, i
	}
	return found
}

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
