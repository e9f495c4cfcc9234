//go:build unix

package main

import (
	"container/heap"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// What the logins are of: some programs log in all the time, people on working days.
const (
	peopleCount  = 3000
	serviceCount = 60 // each from its own few hosts, at every hour
	historyDays  = 120
	newestMoment = "2026-11-28T17:30:00Z" // a Saturday
)

// client is somebody who logs in.
type client struct {
	user             string
	addresses        []string
	system, instance string
	isService        bool
}

// history is a made-up past of logins and logouts.
type history struct {
	*rand.Rand
	people, services []client
	weights          *rand.Zipf
	hasher           session.Hasher
	made             int64
	pending          logouts
}

func newHistory(seed uint64) *history {
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // repeatable, not secret
	h := &history{Rand: random, weights: rand.NewZipf(random, 1.3, 4, serviceCount-1)}
	for n := range peopleCount + serviceCount {
		c := client{user: "person" + strconv.Itoa(n), system: session.SystemPostgreSQL, instance: "main"}
		if n%3 == 0 {
			c.system, c.instance = session.SystemClickHouse, "warehouse"
		}
		for range 1 + n%4 {
			c.addresses = append(c.addresses, fmt.Sprintf("10.%d.%d.%d", h.IntN(8), h.IntN(200), 1+h.IntN(250)))
		}
		if n < peopleCount {
			h.people = append(h.people, c)
			continue
		}
		c.user, c.isService = "service"+strconv.Itoa(n-peopleCount), true
		h.services = append(h.services, c)
	}
	return h
}

// events are so many, in the order of time, the newest at newestMoment.
func (h *history) events(rows int) iter.Seq2[int, *session.Event] {
	end := mustTime(newestMoment)
	begin := end.Add(-historyDays * 24 * time.Hour)
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := 0; n < rows; n++ {
			at := begin.Add(time.Duration(float64(end.Sub(begin)) / float64(rows) * float64(n))).UnixNano()
			if len(h.pending) > 0 && h.pending[0].at <= at {
				h.logout(&e, heap.Pop(&h.pending).(logoutAt))
			} else {
				h.login(&e, at)
			}
			if !yield(n, &e) {
				return
			}
		}
	}
}

func (h *history) login(e *session.Event, at int64) {
	e.Reset()
	c := h.whoLogsIn(time.Unix(0, at).UTC())
	e.Kind, e.Outcome, e.SourceEvent, e.Time, e.Observed = session.KindLogin, session.OutcomeSuccess, "authenticated", at, at+3_000_000_000
	e.System, e.Instance, e.Host, e.Database = c.system, c.instance, "db-1.example.net", "sales"
	e.User, e.ClientAddress, e.ClientPort = c.user, c.addresses[h.IntN(len(c.addresses))], int32(1024+h.IntN(60_000)) //nolint:gosec // a port
	e.AuthMethod, e.AuthType, e.TLSVersion = session.AuthPassword, "scram-sha-256", "TLSv1.3"
	e.ClientName, e.ClientVersion, e.Driver = "psql", "18.1", "libpq"
	if c.isService {
		e.ClientName, e.Driver = "billing", "pgx"
		if c.user == "service3" { // its containers get other addresses
			e.ClientAddress = fmt.Sprintf("172.16.%d.%d", at/int64(time.Hour)%200, 1+h.IntN(20))
		}
	}
	h.fail(e)
	h.made++
	h.hasher.Start("clicks", e.System, e.Instance).Int(h.made)
	e.SessionKey = h.hasher.Key()
	e.RecordID = h.hasher.Int(0).RecordID(at)
	if e.Outcome == session.OutcomeSuccess {
		lasts := time.Duration(h.ExpFloat64() * float64(10*time.Minute))
		heap.Push(&h.pending, logoutAt{at + int64(lasts), h.made, c, e.ClientAddress, e.SessionKey, lasts})
	}
}

// fail makes some logins failures: mistyped passwords, and now and then an attack.
func (h *history) fail(e *session.Event) {
	minute := e.Time / int64(time.Minute)
	switch {
	case minute%2880 < 20 && h.IntN(4) == 0: // twenty minutes every other day
		e.User, e.ClientAddress = "person"+strconv.Itoa(h.IntN(peopleCount)), "203.0.113."+strconv.Itoa(int(minute/2880%250))
	case minute%1440 < 50 && h.IntN(30) == 0:
		e.User, e.ClientAddress = "admin", fmt.Sprintf("198.51.100.%d", h.IntN(100))
	case h.IntN(100) > 0:
		return
	}
	e.Outcome, e.SourceEvent, e.ErrorType, e.StatusCode, e.FailureReason = session.OutcomeFailure, "failed", session.ErrorInvalidCredentials, "28P01", "password authentication failed"
}

// whoLogsIn is a service, most often, and in the night always but once in a while.
func (h *history) whoLogsIn(at time.Time) client {
	office := at.Hour() >= 6 && at.Hour() < 18 && at.Weekday() != time.Saturday && at.Weekday() != time.Sunday
	if office && h.IntN(3) == 0 || h.IntN(2000) == 0 {
		return h.people[h.IntN(peopleCount)]
	}
	return h.services[h.weights.Uint64()]
}

func (h *history) logout(e *session.Event, of logoutAt) {
	e.Reset()
	e.Kind, e.Outcome, e.SourceEvent, e.Time, e.Observed = session.KindLogout, session.OutcomeSuccess, "disconnection", of.at, of.at+3_000_000_000
	e.System, e.Instance, e.Host, e.Database = of.client.system, of.client.instance, "db-1.example.net", "sales"
	e.User, e.ClientAddress, e.SessionKey, e.Duration = of.client.user, of.address, of.key, int64(of.lasts)
	e.RecordID = h.hasher.Start("clicks", e.System, e.Instance).Int(of.number).Int(1).RecordID(of.at)
}

// logoutAt is the end of a session that is open.
type logoutAt struct {
	at, number int64
	client     client
	address    string
	key        session.ID
	lasts      time.Duration
}

// logouts is a heap, the next one first.
type logouts []logoutAt

func (l logouts) Len() int           { return len(l) }
func (l logouts) Less(i, j int) bool { return l[i].at < l[j].at }
func (l logouts) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }
func (l *logouts) Push(x any)        { *l = append(*l, x.(logoutAt)) }
func (l *logouts) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}
