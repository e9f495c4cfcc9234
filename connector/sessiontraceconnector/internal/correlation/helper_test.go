package correlation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

var epoch = time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC)

func limits() Limits {
	return Limits{
		MaxSessions: 1000, MaxBytes: 8 << 20, TTL: time.Hour, Idle: 10 * time.Minute, Lateness: 5 * time.Minute,
		Window: 30 * time.Second, Tolerance: 100 * time.Millisecond,
	}
}

// scene is a store and a clock: at(3) is three seconds after the beginning.
type scene struct {
	t     *testing.T
	store *Store
	clock float64
	hash  session.Hasher
	ids   int
}

func newScene(t *testing.T, change ...func(*Limits)) *scene {
	l := limits()
	for _, f := range change {
		f(&l)
	}
	s := &scene{t: t, store: NewStore(l, epoch)}
	s.batch(func(b LockedStore) { b.KeepUpdates(true) })
	return s
}

func at(seconds float64) int64 { return epoch.UnixNano() + int64(seconds*1e9) }

func (s *scene) batch(f func(LockedStore)) {
	b := s.store.Begin(epoch.Add(time.Duration(s.clock * 1e9)))
	defer b.End()
	f(b)
}

func (s *scene) stats() (stats Stats) {
	s.batch(func(b LockedStore) { stats = b.Stats() })
	return stats
}

// login makes a login of the session with this number; change may say more or less of it.
func (s *scene) login(session byte, seconds float64, change ...func(*session.Event)) *session.Event {
	return s.record(session, seconds, change...)
}

func (s *scene) record(n byte, seconds float64, change ...func(*session.Event)) *session.Event {
	s.ids++
	e := &session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: at(seconds),
		System: session.SystemClickHouse, Instance: "warehouse", Host: "ch-0",
		User: "alice", ClientAddress: "10.0.0.7", ClientPort: 40000 + int32(n), SessionID: "s" + string('0'+rune(n)),
		RecordID: session.ID{0xee, n, byte(s.ids >> 8), byte(s.ids)}, SessionKey: session.ID{0xff, n},
	}
	for _, f := range change {
		f(e)
	}
	return e
}

func (s *scene) event(e *session.Event) (trace Trace, ok bool) {
	s.batch(func(b LockedStore) { trace, ok = b.Trace(b.Learn(e)) })
	return trace, ok
}

// span is one of the trace with this number, one second long.
func span(trace byte, seconds float64, change ...func(*SpanAttributes)) *SpanAttributes {
	c := &SpanAttributes{TraceID: [16]byte{trace}, SpanID: [8]byte{trace, 1}, Start: at(seconds), End: at(seconds + 1)}
	for _, f := range change {
		f(c)
	}
	return c
}

func (s *scene) span(c *SpanAttributes) (owner SpanOwner, ok bool) {
	s.batch(func(b LockedStore) { owner, ok = b.RecordSpan(c) })
	return owner, ok
}

func (s *scene) updates() (events []session.Event) {
	s.batch(func(b LockedStore) { events = b.TakeUpdates(nil, 100, &s.hash) })
	return events
}

// later lets time pass and sweeps.
func (s *scene) later(seconds float64) {
	s.clock += seconds
	s.batch(LockedStore.Sweep)
}

func bySession(id string) func(*SpanAttributes) { return func(c *SpanAttributes) { c.SessionID = id } }

func byPort(address string, port int32) func(*SpanAttributes) {
	return func(c *SpanAttributes) { c.Address, c.Port = address, port }
}

func byUser(user, address string) func(*SpanAttributes) {
	return func(c *SpanAttributes) { c.User, c.Address = user, address }
}

func failed(e *session.Event) {
	e.Outcome, e.ErrorType = session.OutcomeFailure, session.ErrorInvalidCredentials
}

func logout(e *session.Event) { e.Kind = session.KindLogout }

func port(n int32) func(*session.Event) { return func(e *session.Event) { e.ClientPort = n } }

func requireTrace(t *testing.T, n byte, by Evidence, trace Trace, ok bool) {
	t.Helper()
	require.True(t, ok)
	require.Equal(t, Trace{TraceID: [16]byte{n}, SpanID: [8]byte{n, 1}, By: by}, trace)
}
