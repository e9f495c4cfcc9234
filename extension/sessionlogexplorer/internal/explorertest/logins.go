// Package explorertest makes up logins to look at: a month of a company's databases, with what somebody who watches logins wants to find in it.
package explorertest

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Account is somebody who logs in.
type account struct {
	name, kind string
	addresses  []string
	client     string
	version    string
	driver     string
	method     string
	tls        string
	database   string
}

// Attacks and rarities of every month, as users or addresses that [Generate] gives them.
const (
	SprayingAddress   = "198.51.100.66" // fails for many users within minutes
	GuessedUser       = "admin"         // fails from many addresses within an hour
	BrokenIntoUser    = "olga"          // four failures, then a success from the same new address
	BrokenFromAddress = "203.0.113.99"
	ReturnedUser      = "retired" // logs in after 100 days
	NightWorkerUser   = "alice"   // at three in the morning, on the last day
	HostileUser       = "<img src=x onerror=alert(1)>"
)

func accounts() []account {
	people := []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj", "olga", "peggy", "rupert", "sybil", "trent", "victor", "walter", "zoë"}
	clients := []account{
		{client: "DBeaver", version: "24.3.1", driver: "JDBC", method: "password", tls: "TLSv1.3"},
		{client: "psql", version: "18.1", driver: "libpq", method: "password", tls: "TLSv1.3"},
		{client: "clickhouse-client", version: "26.7.1", driver: "native", method: "ssh_key", tls: "TLSv1.2"},
		{client: "Tableau", version: "2026.1", driver: "ODBC 2.1", method: "oidc", tls: "TLSv1.3"},
		{client: "psql", version: "9.6.24", driver: "libpq", method: "password"},
	}
	var all []account
	for i, name := range people {
		a := clients[i%len(clients)]
		a.name, a.kind, a.database = name, "person", []string{"sales", "warehouse", "hr"}[i%3]
		a.addresses = []string{fmt.Sprintf("10.0.%d.%d", i%4, 20+i), fmt.Sprintf("192.0.2.%d", 10+i)}
		all = append(all, a)
	}
	for i, name := range []string{"etl", "metabase", "backup"} {
		all = append(all, account{name, "service", []string{fmt.Sprintf("10.1.0.%d", 5+i)}, "python-driver", "0.2.9", "HTTP", "certificate", "TLSv1.3", "warehouse"})
	}
	return all
}

type generator struct {
	random *rand.Rand
	n      int64
	events []session.Event
}

// Generate gives about count events of the 30 days before until, in the order of time. The same arguments give the same events.
func Generate(until time.Time, count int) []session.Event {
	g := &generator{random: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // no secret
	g.addAttacks(until)
	all := accounts()
	for len(g.events) < count {
		a := &all[g.random.IntN(len(all))]
		at := g.momentOf(a, until)
		if g.random.IntN(25) == 0 {
			g.addFailure(at, a, a.name, g.addressOf(a))
		}
		g.addSession(at.Add(3*time.Second), a, g.addressOf(a), until)
	}
	slices.SortStableFunc(g.events, func(a, b session.Event) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	return g.events
}

// AllEvents is the events as a backend takes them.
func AllEvents(events []session.Event) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i := range events {
			if !yield(i, &events[i]) {
				return
			}
		}
	}
}

func (g *generator) addressOf(a *account) string {
	if g.random.IntN(10) > 0 {
		return a.addresses[0]
	}
	return a.addresses[len(a.addresses)-1]
}

func (g *generator) momentOf(a *account, until time.Time) time.Time {
	day := until.Truncate(24*time.Hour).AddDate(0, 0, -g.random.IntN(30))
	hour := g.random.IntN(24)
	if a.kind == "person" {
		hour = 7 + (g.random.IntN(6)+g.random.IntN(6))%11
	}
	at := day.Add(time.Duration(hour)*time.Hour + time.Duration(g.random.Int64N(int64(time.Hour))))
	if at.After(until) {
		at = at.AddDate(0, 0, -1)
	}
	return at
}

func (g *generator) newEvent(at time.Time, a *account, user, address string) *session.Event {
	g.n++
	g.events = append(g.events, session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, SourceEvent: "LoginSuccess", Time: at.UnixNano(), Observed: at.Add(2 * time.Second).UnixNano(),
		System: "postgresql", Instance: "main", Host: "db1", ServerPort: 5432, Database: a.database, User: user, UserType: a.kind, AuthMethod: a.method, TLSVersion: a.tls,
		ClientAddress: address, ClientPort: int32(1024 + g.random.IntN(60000)), ClientName: a.client, ClientVersion: a.version, Driver: a.driver, PID: 1000 + g.n, //nolint:gosec // small
	})
	e := &g.events[len(g.events)-1]
	if a.client == "clickhouse-client" || a.kind == "service" {
		e.System, e.Instance, e.Host, e.ServerPort = "clickhouse", "analytics", "ch1", 9000
		e.Interface = "TCP"
	}
	e.RecordID = g.newIdentity("record", e)
	return e
}

// newIdentity begins with the time, as ids of records do.
func (g *generator) newIdentity(purpose string, e *session.Event) (id session.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(e.Time/int64(time.Millisecond))<<16) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(id[8:], uint64(g.n))                                //nolint:gosec // counts
	id[6], id[8] = 0x80|purpose[0]&15, 0x80
	return id
}

func (g *generator) addFailure(at time.Time, a *account, user, address string) {
	e := g.newEvent(at, a, user, address)
	e.Outcome, e.SourceEvent = session.OutcomeFailure, "LoginFailure"
	e.FailureReason, e.ErrorType, e.StatusCode = `password authentication failed for user "`+user+`"`, session.ErrorInvalidCredentials, "28P01"
	e.Original = fmt.Sprintf("%s [%d] %s@%s FATAL:  %s", at.UTC().Format("2006-01-02 15:04:05.000 UTC"), e.PID, user, e.Database, e.FailureReason)
}

// addSession adds a login, and its logout where that is in time.
func (g *generator) addSession(at time.Time, a *account, address string, until time.Time) {
	login := g.newEvent(at, a, a.name, address)
	key := g.newIdentity("session", login)
	login.SessionKey, login.SessionID = key, fmt.Sprintf("%x.%x", at.Unix(), login.PID)
	login.Roles = []string{"reader", a.database}
	if g.random.IntN(3) == 0 {
		login.Settings = []session.Setting{{Name: "search_path", Value: a.database + ", public"}, {Name: "statement_timeout", Value: "30s"}}
		login.Extra = []session.Attr{{Key: session.SourceField + "mtu", Value: "1500", Type: session.AttrInt}}
	}
	if g.random.IntN(4) == 0 {
		binary.BigEndian.PutUint64(login.TraceID[:], g.random.Uint64()|1)
		binary.BigEndian.PutUint64(login.SpanID[:], g.random.Uint64()|1)
		login.Correlation = "claimed"
	}
	pid, port := login.PID, login.ClientPort
	lasted := time.Duration(g.random.Int64N(int64(4 * time.Hour)))
	if end := at.Add(lasted); end.Before(until) && g.random.IntN(50) > 0 {
		logout := g.newEvent(end, a, a.name, address)
		logout.Kind, logout.SourceEvent, logout.SessionKey, logout.Duration, logout.PID, logout.ClientPort = session.KindLogout, "Logout", key, int64(lasted), pid, port
	}
}

func (g *generator) addAttacks(until time.Time) {
	stranger := &account{client: "hydra", method: "password", database: "postgres"}
	all := accounts()
	at := until.Add(-5 * time.Hour)
	for i := range 60 {
		g.addFailure(at.Add(time.Duration(i)*7*time.Second), stranger, all[i%len(all)].name, SprayingAddress)
	}
	at = until.Add(-30 * time.Hour)
	for i := range 24 {
		g.addFailure(at.Add(time.Duration(i)*2*time.Minute), stranger, GuessedUser, fmt.Sprintf("203.0.113.%d", 10+i))
	}
	at = until.Add(-3 * time.Hour)
	broken := all[slices.IndexFunc(all, func(a account) bool { return a.name == BrokenIntoUser })]
	for i := range 4 {
		g.addFailure(at.Add(time.Duration(i)*20*time.Second), &broken, BrokenIntoUser, BrokenFromAddress)
	}
	g.addSession(at.Add(2*time.Minute), &broken, BrokenFromAddress, until)
	retired := &account{ReturnedUser, "person", []string{"10.0.9.9"}, "psql", "15.2", "libpq", "password", "TLSv1.2", "hr"}
	g.addSession(until.AddDate(0, 0, -101), retired, "10.0.9.9", until)
	g.addSession(until.Add(-8*time.Hour), retired, "10.0.9.9", until)
	const night = 3*time.Hour + 7*time.Minute // the last one that has been
	g.addSession(until.Add(-night).Truncate(24*time.Hour).Add(night), &all[0], all[0].addresses[0], until)
	for i, name := range []string{HostileUser, "'; DROP TABLE session_events; --", "=HYPERLINK(\"http://evil\")", "\u202Egnp.exe", "nul\x00nul", "bad\xff\xfeutf8", "", "<script>alert(1)</script>"} {
		g.addFailure(until.Add(-time.Duration(i+1)*11*time.Minute), stranger, name, "203.0.113.200")
	}
}
