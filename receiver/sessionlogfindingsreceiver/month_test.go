package sessionlogfindingsreceiver

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// companyMonth is a month of logins that somebody made up: who works where and when, what goes wrong on ordinary days, and five attacks.
type companyMonth struct {
	random *rand.Rand
	begin  time.Time // a Sunday at midnight, UTC
	events []session.Event
	n      uint64
}

// attack is what has to be found on a day of the month.
type attack struct {
	day      int
	question string
	user     string
	address  string
}

const (
	daysOfMonth   = 30
	people        = 34
	sprayer       = "192.0.2.66"
	guessed       = "cfo"
	brokenInto    = "person07"
	brokenFrom    = "203.0.113.99"
	returned      = "retired"
	nightUser     = "person03"
	nightAddress  = "45.83.64.9"
	upgradeDay    = 18
	movingService = "etl"
	ownService    = "legacy"
)

var attacks = []attack{
	{12, failureBursts, "", sprayer},
	{16, guessedUsers, guessed, ""},
	{19, failedThenSucceeded, brokenInto, brokenFrom},
	{19, firstSeen, brokenInto, brokenFrom},
	{23, returnedAccounts, returned, ""},
	{25, firstSeen, nightUser, nightAddress},
	{25, unusualHours, nightUser, ""},
}

// companyNetworks are not news: the office, the pool of its VPN, the guests' network and the containers.
var companyNetworks = []IgnoreConfig{{Questions: []string{firstSeen}, Networks: []string{"10.20.0.0/16", "10.30.0.0/24", "198.51.100.10/32", "10.42.0.0/16"}}}

// newCompanyMonth makes the same events each time, in the order of time.
func newCompanyMonth() []session.Event {
	m := &companyMonth{random: rand.New(rand.NewPCG(7, 11)), begin: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)} //nolint:gosec // no secret
	m.add(m.begin.AddDate(0, 0, -100), returned, "10.20.0.77", true)
	homes := make([]string, people)
	for i := range homes {
		homes[i] = m.homeAddress()
	}
	for d := range daysOfMonth {
		at := m.begin.AddDate(0, 0, d)
		if weekday := at.Weekday(); weekday != time.Saturday && weekday != time.Sunday {
			for i := range people {
				m.addWorkday(at, i, homes)
			}
		}
		m.addServices(at, d)
		if d == upgradeDay {
			m.addUpgrade(at)
		}
	}
	m.addAttacks()
	slices.SortStableFunc(m.events, func(a, b session.Event) int { return int(min(max(a.Time-b.Time, -1), 1)) })
	return m.events
}

func (m *companyMonth) homeAddress() string {
	return fmt.Sprintf("%d.%d.%d.%d", 80+m.random.IntN(12), m.random.IntN(256), m.random.IntN(256), 1+m.random.IntN(254))
}

func (m *companyMonth) chance(percent float64) bool { return m.random.Float64()*100 < percent }

// addWorkday is at the office, which gives out addresses anew each day, at home, whose provider does so at times, or on a journey.
func (m *companyMonth) addWorkday(at time.Time, i int, homes []string) {
	user, address := fmt.Sprintf("person%02d", i), fmt.Sprintf("10.20.%d.%d", i%3, 1+m.random.IntN(254))
	if m.chance(3) {
		homes[i] = m.homeAddress()
	}
	switch {
	case m.chance(8): // ill, or free
		return
	case m.chance(2.5):
		address = m.homeAddress() // a hotel
	case m.chance(35):
		address = homes[i]
	case m.chance(15):
		address = fmt.Sprintf("10.30.0.%d", 1+m.random.IntN(254)) // the pool of the VPN
	case m.chance(10):
		address = "198.51.100.10" // all behind one address: the guests' network
	}
	starts := 7*60 + 30 + i%4*30
	for range 4 + m.random.IntN(4) {
		minute := starts + m.random.IntN(9*60)
		if m.chance(0.5) {
			minute = 19*60 + m.random.IntN(150) // late
		}
		moment := at.Add(time.Duration(minute)*time.Minute + time.Duration(m.random.IntN(60_000))*time.Millisecond)
		mistyped := 0
		switch {
		case m.chance(0.5):
			mistyped = 3 + m.random.IntN(2)
		case m.chance(6):
			mistyped = 1 + m.random.IntN(2)
		}
		for k := range mistyped {
			m.add(moment.Add(-time.Duration(mistyped-k)*12*time.Second), user, address, false)
		}
		m.add(moment, user, address, true)
	}
}

// addServices log in all day: most from an address of their own, one from containers, of which each has another.
func (m *companyMonth) addServices(at time.Time, d int) {
	for i, name := range []string{"metabase", "backup", "airflow", "grafana", ownService} {
		for minute := range 24 * 2 {
			m.add(at.Add(time.Duration(minute*30+i)*time.Minute), name, fmt.Sprintf("10.1.0.%d", 10+i), true)
		}
	}
	nodes := 0
	if d >= upgradeDay {
		nodes = 6 // the new cluster
	}
	for minute := range 24 * 2 {
		m.add(at.Add(time.Duration(minute*30+7)*time.Minute), movingService, fmt.Sprintf("10.42.%d.%d", nodes+m.random.IntN(6), 1+m.random.IntN(254)), true)
	}
}

// addUpgrade is an evening at which a program goes on with its old password.
func (m *companyMonth) addUpgrade(at time.Time) {
	for i := range 90 {
		m.add(at.Add(20*time.Hour+time.Duration(i)*20*time.Second), ownService, "10.1.0.14", false)
	}
}

func (m *companyMonth) addAttacks() {
	day := func(d, hour, minute int) time.Time {
		return m.begin.AddDate(0, 0, d).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	}
	for i := range people {
		m.add(day(12, 13, 0).Add(time.Duration(i)*9*time.Second), fmt.Sprintf("person%02d", i), sprayer, false)
	}
	for i := range 30 {
		m.add(day(16, 2, 0).Add(time.Duration(i)*41*time.Minute), guessed, fmt.Sprintf("%d.12.7.%d", 101+i, i+1), false)
	}
	for i := range 5 {
		m.add(day(19, 11, 20).Add(time.Duration(i)*20*time.Second), brokenInto, brokenFrom, false)
	}
	m.add(day(19, 11, 23), brokenInto, brokenFrom, true)
	m.add(day(23, 10, 5), returned, "10.20.0.77", true)
	m.add(day(25, 3, 12), nightUser, nightAddress, true)
}

func (m *companyMonth) add(at time.Time, user, address string, success bool) {
	m.n++
	e := session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: at.UnixNano(), Observed: at.Add(time.Second).UnixNano(), System: "postgresql", Instance: "main",
		User: user, ClientAddress: address, AuthMethod: "password",
	}
	if !success {
		e.Outcome, e.ErrorType = session.OutcomeFailure, session.ErrorInvalidCredentials
	}
	binary.BigEndian.PutUint64(e.RecordID[:8], uint64(at.UnixMilli())<<16) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(e.RecordID[8:], m.n|1<<63)
	e.RecordID[6] |= 0x80
	m.events = append(m.events, e)
}
