package backendtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// stageEnd is the end of the day that the questions are about.
var stageEnd = time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC) // a Friday

// sceneEvents has the events of all scenes, and what is found of each: instance|user|address, by question.
type sceneEvents struct {
	events   []*session.Event
	hasher   session.Hasher
	expected map[string][]string
}

const oneDay = 24 * time.Hour

// failedBy are the classes of failures whose logins are not of a user's making.
var failedBy = map[string]string{"full": session.ErrorConnectionLimit, "down": session.ErrorProviderUnavailable}

// login adds one, some time before the end. how is ok, bad, or a key of failedBy.
func (st *sceneEvents) login(ago time.Duration, instance, user, address, how string) *session.Event {
	e := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, User: user, UserEmpty: user == "", ClientAddress: address}
	e.System, e.Instance, _ = strings.Cut(instance, "/")
	e.Time = stageEnd.Add(-ago).UnixNano()
	if how != "ok" {
		e.Outcome, e.ErrorType = session.OutcomeFailure, session.ErrorInvalidCredentials
		if how != "bad" {
			e.ErrorType = failedBy[how]
		}
	}
	n := int64(len(st.events))
	st.hasher.Start("scene", e.System, e.Instance).Int(n)
	if n%2 == 0 {
		e.SessionKey = st.hasher.Key()
	}
	e.RecordID = st.hasher.Int(1).RecordID(e.Time)
	st.events = append(st.events, e)
	if n%4 == 0 {
		st.logout(e, time.Minute)
	}
	return e
}

func (st *sceneEvents) logout(of *session.Event, after time.Duration) {
	e := &session.Event{Kind: session.KindLogout, Outcome: session.OutcomeSuccess, Time: of.Time + int64(after), SessionKey: of.SessionKey, System: of.System, Instance: of.Instance}
	e.RecordID = st.hasher.Start("scene", "logout", of.RecordID.String()).RecordID(e.Time)
	st.events = append(st.events, e)
}

// expectFindings notes what a question is to say.
func (st *sceneEvents) expectFindings(question string, all ...string) {
	st.expected[question] = append(st.expected[question], all...)
}

// knows makes a user known: two logins a week at three in the afternoon since half a year, and one in the middle of the day in question.
func (st *sceneEvents) knows(instance, user, address string) {
	for week := range 26 {
		st.login(time.Duration(week)*7*oneDay+3*time.Hour, instance, user, address, "ok")
		st.login(time.Duration(week)*7*oneDay+2*oneDay+3*time.Hour, instance, user, address, "ok")
	}
}

const (
	mainPG      = session.SystemPostgreSQL + "/main"
	otherPG     = session.SystemPostgreSQL + "/other"
	warehouseCH = session.SystemClickHouse + "/warehouse"
	freshPG     = session.SystemPostgreSQL + "/fresh"
)

func (st *sceneEvents) scenes() {
	st.expected = map[string][]string{}
	for _, instance := range []string{mainPG, otherPG, warehouseCH} {
		st.knows(instance, "alice", "192.0.2.10")
	}
	st.newAddresses()
	st.youngInstance()
	st.guesses()
	st.successes()
	st.clockOfThePast()
}

func (st *sceneEvents) newAddresses() {
	st.login(2*time.Hour+5*time.Minute, mainPG, "alice", "198.51.100.1", "ok") // new here; at 16 o'clock, which is unusual
	st.login(2*time.Hour+4*time.Minute, mainPG, "alice", "198.51.100.1", "ok")
	st.expectFindings("first-seen", "main|alice|198.51.100.1")
	st.expectFindings("unusual-hours", "main|alice|")
	st.login(3*time.Hour+5*time.Minute, otherPG, "Alice", "192.0.2.10", "ok") // another user
	st.expectFindings("first-seen", "other|Alice|192.0.2.10")
	st.login(100*oneDay, warehouseCH, "bob", "192.0.2.11", "ok")
	st.login(2*oneDay, mainPG, "bob", "192.0.2.11", "ok") // another bob
	st.login(3*time.Hour, warehouseCH, "bob", "192.0.2.11", "ok")
	st.expectFindings("returned-accounts", "warehouse|bob|")
	st.login(200*oneDay, mainPG, "carol", "192.0.2.12", "ok")
	st.login(30*oneDay, mainPG, "carol", "192.0.2.12", "bad") // is not used by that
	st.login(3*time.Hour, mainPG, "carol", "192.0.2.13", "ok")
	st.expectFindings("returned-accounts", "main|carol|")
	st.expectFindings("first-seen", "main|carol|192.0.2.13")
	st.login(100*oneDay, mainPG, "dora", "192.0.2.12", "ok")
	st.login(3*time.Hour, mainPG, "dora", "192.0.2.12", "bad") // has not come back
	for n := range 8 {                                         // a pool's containers
		st.login(time.Duration(n)*time.Hour+100*oneDay, mainPG, "pool", fmt.Sprintf("172.16.0.%d", n+1), "ok")
		st.login(time.Duration(n)*time.Hour+10*oneDay, mainPG, "pool", fmt.Sprintf("172.16.0.%d", n+1), "ok")
		st.login(time.Duration(n)*time.Minute+3*time.Hour, mainPG, "pool", fmt.Sprintf("172.16.1.%d", n+1), "ok")
	}
	st.expectFindings("first-seen", "main|pool|")
	for n := range 7 { // a new gateway
		user := fmt.Sprintf("office%d", n)
		st.login(20*oneDay, warehouseCH, user, "192.0.2.99", "ok")
		st.login(3*time.Hour, warehouseCH, user, "203.0.113.99", "ok")
	}
	st.expectFindings("first-seen", "warehouse||203.0.113.99")
	st.login(20*oneDay, mainPG, "root", "192.0.2.12", "ok")
	st.login(3*time.Hour, mainPG, "root", "[local]", "ok")
	st.expectFindings("first-seen", "main|root|[local]")
	for _, user := range hostileUsers {
		st.login(3*time.Hour+time.Minute, mainPG, user, "198.51.100.2", "ok")
	}
	st.expectFindings("first-seen", "main||198.51.100.2")
	for i, user := range hostileUsers[:5] {
		st.login(3*time.Hour+time.Minute, warehouseCH, user, "198.51.100."+fmt.Sprint(10+i), "ok")
		st.expectFindings("first-seen", "warehouse|"+nameOf(user)+"|198.51.100."+fmt.Sprint(10+i))
	}
	for i, address := range []string{"'; DROP TABLE session_events; --", "nul\x00byte", "torn\xff\xc3", "%", "_", "\u202e1.2.3.4", "10.0.0.0/8", strings.Repeat("9", 1<<20)} {
		user := fmt.Sprintf("host%d", i)
		st.login(20*oneDay, mainPG, user, "192.0.2.12", "ok")
		st.login(3*time.Hour, mainPG, user, address, "ok")
		st.expectFindings("first-seen", "main|"+user+"|"+nameOf(address))
	}
	if e := st.login(3*time.Hour, mainPG, "", "192.0.2.50", "ok"); e != nil { // no user at all
		e.UserEmpty = false
	}
	st.login(3*time.Hour, mainPG, "alice", "", "ok") // no address
}

// hostileUsers include those that a pattern or a quote would confuse.
var hostileUsers = []string{
	"x" + strings.Repeat("long", 1<<18), "nul\x00byte", "torn\xff\xc3", "\u202ealice", "", "O'Hara", `back\slash`, "'; DROP TABLE session_events; --", "%", "_", "al_ce", "日本\"",
}

// youngInstance is of a database that was added yesterday.
func (st *sceneEvents) youngInstance() {
	for n := range 30 {
		st.login(time.Duration(n)*time.Hour, freshPG, fmt.Sprintf("user%d", n%10), fmt.Sprintf("192.0.2.%d", n), "ok")
	}
	st.expectFindings("first-seen", "fresh||")
}

func (st *sceneEvents) guesses() {
	for n := range 12 { // spraying, of two systems
		st.login(5*time.Hour+time.Duration(n)*30*time.Second, []string{mainPG, warehouseCH}[n%2], fmt.Sprintf("name%d", n), "203.0.113.1", "bad")
	}
	st.expectFindings("failure-bursts", "||203.0.113.1")
	for n := range 9 { // too few
		st.login(5*time.Hour+time.Duration(n)*30*time.Second, mainPG, fmt.Sprintf("name%d", n), "203.0.113.2", "bad")
	}
	for n := range 60 { // a pool that is full, and a directory that is down
		st.login(5*time.Hour+time.Duration(n)*time.Second, mainPG, "pool", "203.0.113.3", []string{"full", "down"}[n%2])
	}
	for n := range 10 { // on the machine itself: 5 of each instance are few
		st.login(5*time.Hour+time.Duration(n)*time.Second, []string{mainPG, otherPG}[n%2], "alice", "[local]", "bad")
	}
	for n := range 14 { // began before the day
		st.login(24*time.Hour+3*time.Minute-time.Duration(n)*30*time.Second, otherPG, "admin", "203.0.113.4", "bad")
	}
	st.expectFindings("failure-bursts", "||203.0.113.4")
	for n := range 20 { // ended before the day
		st.login(24*time.Hour+9*time.Minute-time.Duration(n)*20*time.Second, otherPG, "admin", "203.0.113.5", "bad")
	}
	for n := range 6 {
		st.login(7*time.Hour+time.Duration(n)*10*time.Minute, mainPG, "root", fmt.Sprintf("203.0.113.%d", 50+n), "bad")
		st.login(9*time.Hour+time.Duration(n)*15*time.Minute, mainPG, "slow", fmt.Sprintf("203.0.113.%d", 50+n), "bad") // five in an hour and a quarter
		st.login(7*time.Hour+time.Duration(n)*10*time.Minute, []string{mainPG, otherPG}[n%2], "spread", fmt.Sprintf("203.0.113.%d", 50+n), "bad")
	}
	st.expectFindings("guessed-users", "main|root|", "main|slow|")
	for n, address := range []string{"127.0.0.1", "::1", "[local]", "/run/socket", "", "203.0.113.60"} {
		st.login(7*time.Hour+time.Duration(n)*time.Minute, mainPG, "local", address, "bad")
	}
}

func (st *sceneEvents) successes() {
	fail := func(ago time.Duration, user, address string, count int) {
		for n := range count {
			st.login(ago+time.Duration(n)*10*time.Second, mainPG, user, address, "bad")
		}
	}
	fail(8*time.Hour, "eve", "203.0.113.20", 3) // the same user from the same address
	st.login(8*time.Hour-time.Minute, mainPG, "eve", "203.0.113.20", "ok")
	fail(8*time.Hour, "frank", "203.0.113.21", 4) // from another address
	st.login(8*time.Hour-time.Minute, mainPG, "frank", "203.0.113.22", "ok")
	fail(8*time.Hour, "grace", "203.0.113.23", 3) // another user from the address
	st.login(8*time.Hour-time.Minute, mainPG, "heidi", "203.0.113.23", "ok")
	st.expectFindings("failed-then-succeeded", "main|eve|203.0.113.20", "main|frank|203.0.113.22", "main|heidi|203.0.113.23")
	fail(8*time.Hour, "ivan", "203.0.113.24", 3) // too late
	st.login(8*time.Hour-11*time.Minute, mainPG, "ivan", "203.0.113.24", "ok")
	fail(8*time.Hour, "judy", "203.0.113.25", 3) // another judy
	st.login(8*time.Hour-time.Minute, otherPG, "judy", "203.0.113.26", "ok")
	fail(8*time.Hour, "kim", "203.0.113.27", 2) // too few
	st.login(8*time.Hour-time.Minute, mainPG, "kim", "203.0.113.27", "ok")
	for n := range 6 { // a pool with one that is mistyped now and then
		st.login(8*time.Hour+time.Duration(2*n)*10*time.Second, mainPG, "busy", "172.16.9.1", "bad")
		st.login(8*time.Hour+time.Duration(2*n-1)*10*time.Second, mainPG, "busy", "172.16.9.1", "ok")
	}
	for n := range 3 { // the pool's password is guessed elsewhere
		st.login(9*time.Hour+time.Duration(2*n+2)*10*time.Second, mainPG, "busy", "203.0.113.28", "bad")
		st.login(9*time.Hour+time.Duration(2*n+1)*10*time.Second, mainPG, "busy", "172.16.9.1", "ok")
	}
	st.login(9*time.Hour, mainPG, "busy", "203.0.113.28", "ok")
	st.expectFindings("failed-then-succeeded", "main|busy|203.0.113.28")
	fail(8*time.Hour, "lara", "[local]", 3)                             // everybody on the machine has this address
	st.login(8*time.Hour-time.Minute, mainPG, "alice", "[local]", "ok") // at 10 o'clock
	st.expectFindings("unusual-hours", "main|alice|")
	fail(10*time.Hour, "mallory", "203.0.113.29", 3) // twice
	st.login(10*time.Hour-time.Minute, mainPG, "mallory", "203.0.113.29", "ok")
	fail(9*time.Hour, "mallory", "203.0.113.29", 3)
	st.login(9*time.Hour-time.Minute, mainPG, "mallory", "203.0.113.29", "ok")
	st.expectFindings("failed-then-succeeded", "main|mallory|203.0.113.29")
	for _, where := range []string{
		"eve|203.0.113.20", "frank|203.0.113.22", "heidi|203.0.113.23", "ivan|203.0.113.24", "kim|203.0.113.27", "busy|172.16.9.1", "busy|203.0.113.28", "mallory|203.0.113.29", "alice|[local]",
	} {
		st.expectFindings("first-seen", "main|"+where)
	}
	st.expectFindings("first-seen", "other|judy|203.0.113.26")
}

// clockOfThePast is of a machine whose clock was wrong, and of logouts before their login.
func (st *sceneEvents) clockOfThePast() {
	st.login(-2*oneDay, mainPG, "alice", "203.0.113.200", "ok")
	st.login(20_000*oneDay, mainPG, "nobody", "203.0.113.200", "ok")
	early := st.login(4*time.Hour, mainPG, "alice", "192.0.2.10", "ok")
	if early.SessionKey.IsZero() {
		early.SessionKey = session.ID{7, 7}
	}
	st.logout(early, -time.Second)
}
