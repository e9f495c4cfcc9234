package correlation

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
)

// world is two minutes of clients of one server, with the truth: which spans belong to which session.
type world struct {
	rnd     *rand.Rand
	scene   *scene
	port    int32
	arrive  []arrival
	records []*session.Event                 // by time, to be read in pages
	traces  map[session.ID]map[[16]byte]bool // record id of a login -> traces of its spans
	uids    map[[8]byte]string               // span -> its login
	spans   int
}

type arrival struct {
	at float64
	do func()
}

const (
	skew     = 0.02 // the server's clock is ahead
	duration = 120.0
)

// TestNothingIsMixedUp lets pools, keep-alive connections, brief clients and failed logins of several users run from few
// addresses, their spans and records arriving late and in any order. No span and no login is given to another's, and most
// of what can be found is found.
func TestNothingIsMixedUp(t *testing.T) {
	for seed := range uint64(10) {
		w := &world{
			rnd: rand.New(rand.NewPCG(seed, 2)), scene: newScene(t, func(l *Limits) { l.Window, l.MaxSessions, l.MaxBytes = 0, 100_000, 64<<20 }),
			port: 10_000, traces: map[session.ID]map[[16]byte]bool{}, uids: map[[8]byte]string{},
		}
		for range 20 {
			w.pool()
		}
		for range 10 {
			w.keepAlive(duration, 4)
		}
		logins, spans := len(w.traces), w.spans
		for range 5 { // closer than clocks are exact: next to nothing can be found, and nothing may be mixed up
			w.keepAlive(40, 0.1)
		}
		for range 60 {
			w.refused()
		}
		found, enriched := w.run(t)
		t.Logf("%d of %d logins have their trace, %d of %d spans their login", found, logins, enriched, spans)
		require.Greater(t, found, logins*8/10, "logins with their trace, of %d", logins)
		require.Greater(t, enriched, spans*7/10, "spans with their login, of %d", spans)
	}
}

func (w *world) between(a, b float64) float64 { return a + w.rnd.Float64()*(b-a) }

// pool is a client with connections one after another, each with many queries.
func (w *world) pool() {
	for from := w.between(0, 20); from < duration; {
		address, port := w.socket()
		login := w.tell(from+0.002, address, port, nil)
		to := from + w.between(0.5, 60)
		for s := from; s < to; {
			e := min(s+w.between(0.001, 0.5), to)
			w.span(login, address, port, s, e)
			s = e + w.between(0, 3)
		}
		w.tell(to, address, port, func(e *session.Event) { e.Kind, e.SessionKey = session.KindLogout, login.SessionKey })
		from = to + w.between(0, 10)
	}
}

// keepAlive is one connection to the HTTP interface: each request is a session, with a pause after it.
func (w *world) keepAlive(until, pause float64) {
	address, port := w.socket()
	web := func(e *session.Event) { e.Interface = "HTTP" }
	for s := w.between(0, 20); s < until; {
		e := s + w.between(0.005, 0.05)
		login := w.tell(s+0.002, address, port, web)
		w.span(login, address, port, s, e)
		w.tell(e-0.001, address, port, func(x *session.Event) {
			x.Kind, x.SessionKey, x.Interface = session.KindLogout, login.SessionKey, "HTTP"
		})
		s = e + w.between(0.001, pause)
	}
}

// refused is a client that has a wrong password.
func (w *world) refused() {
	address, port := w.socket()
	at := w.between(0, duration)
	w.span(w.tell(at+0.01, address, port, failed), address, port, at, at+0.02)
}

func (w *world) socket() (string, int32) {
	w.port++
	return "10.0.0." + string('0'+rune(w.rnd.IntN(4))), w.port
}

func (w *world) tell(at float64, address string, port int32, change func(*session.Event)) *session.Event {
	n := len(w.records)
	e := w.scene.record(0, at+skew, func(e *session.Event) {
		e.ClientAddress, e.ClientPort, e.SessionID = address, port, ""
		e.User = []string{"alice", "bob", "carol"}[int(port)%3]
		e.RecordID, e.SessionKey = session.ID{1, byte(n), byte(n >> 8)}, session.ID{2, byte(n), byte(n >> 8)}
	})
	if change != nil {
		change(e)
	}
	w.records = append(w.records, e)
	return e
}

func (w *world) span(login *session.Event, address string, port int32, from, to float64) {
	w.spans++
	n := w.spans
	c := &SpanAttributes{Address: address, Port: port, System: session.SystemClickHouse, Start: at(from), End: at(to)}
	c.TraceID, c.SpanID = [16]byte{byte(n), byte(n >> 8)}, [8]byte{byte(n), byte(n >> 8)}
	w.uids[c.SpanID] = login.RecordID.String()
	if w.traces[login.RecordID] == nil {
		w.traces[login.RecordID] = map[[16]byte]bool{}
	}
	w.traces[login.RecordID][c.TraceID] = true
	w.arrive = append(w.arrive, arrival{to + w.between(0, 5), func() {
		if owner, ok := w.scene.span(c); ok {
			require.Equal(w.scene.t, w.uids[c.SpanID], owner.LoginUID)
		}
	}})
}

// run lets everything arrive, records in pages of what was flushed until then.
func (w *world) run(t *testing.T) (found, enriched int) {
	slices.SortStableFunc(w.records, func(a, b *session.Event) int { return cmp.Compare(a.Time, b.Time) })
	got := map[session.ID]Trace{}
	for flush, next := 2.0, 0; next < len(w.records); flush += 2 {
		var page []*session.Event
		for ; next < len(w.records) && w.records[next].Time <= at(flush); next++ {
			page = append(page, w.records[next])
		}
		w.arrive = append(w.arrive, arrival{flush + w.between(0, 1), func() { w.page(page, got) }})
	}
	for s := 1.0; s < duration+60; s++ {
		w.arrive = append(w.arrive, arrival{s, func() { w.scene.batch(LockedStore.Sweep) }})
	}
	slices.SortStableFunc(w.arrive, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	for _, a := range w.arrive {
		w.scene.clock = a.at
		a.do()
	}
	w.scene.batch(func(b LockedStore) {
		for _, e := range b.TakeUpdates(nil, 1<<20, &w.scene.hash) {
			uid, _ := session.ParseID(e.Extra[0].Value)
			require.NotContains(t, got, uid, "told as the record passed, and again")
			got[uid] = Trace{TraceID: e.TraceID}
		}
	})
	for uid, trace := range got {
		require.True(t, w.traces[uid][trace.TraceID], "a login with a trace of another's")
	}
	return len(got), int(w.scene.stats().Spans[ClientPort])
}

func (w *world) page(page []*session.Event, got map[session.ID]Trace) {
	w.scene.batch(func(b LockedStore) {
		notes := make([]LearnedRecord, len(page))
		for i, e := range page {
			notes[i] = b.Learn(e)
		}
		for i, e := range page {
			if trace, ok := b.Trace(notes[i]); ok && e.Kind == session.KindLogin {
				got[e.RecordID] = trace
			}
		}
	})
}
