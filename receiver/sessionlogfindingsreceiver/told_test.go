package sessionlogfindingsreceiver

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/session"
)

// logins makes events of one after the other.
type logins struct{ companyMonth }

func (l *logins) failures(at time.Time, step time.Duration, user, address string, count int) []session.Event {
	first := len(l.events)
	for i := range count {
		l.add(at.Add(time.Duration(i)*step), user, address, false)
	}
	return l.events[first:]
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// TestAFindingIsToldOnce: in the next runs, after a restart with a storage, and while it grows; without a storage it has the same id.
func TestAFindingIsToldOnce(t *testing.T) {
	r := newRig(t)
	r.storage, r.config.Storage = &keptStorage{}, &storageID
	var l logins
	r.write(l.failures(noon, time.Second, "root", sprayer, 12)...)
	r.now = noon.Add(time.Minute)
	r.start()
	first := r.run(noon.Add(time.Minute))
	require.Len(t, first, 1)
	require.Equal(t, failureBursts, first[0].question)
	require.Empty(t, r.run(noon.Add(2*time.Minute)))

	r.start()
	require.Empty(t, r.run(noon.Add(3*time.Minute)), "after a restart")
	r.write(l.failures(noon.Add(3*time.Minute), time.Second, "root", sprayer, 20)...)
	require.Empty(t, r.run(noon.Add(4*time.Minute)), "it grows")
	r.write(l.failures(noon.Add(4*time.Minute), 100*time.Millisecond, "root", sprayer, 100)...)
	grown := r.run(noon.Add(5 * time.Minute))
	require.Len(t, grown, 1, "ten times as many")
	require.Equal(t, first[0].id, grown[0].id)
	require.Equal(t, "1", textOf(grown[0].record, AttrFindingRevision))
	require.Empty(t, r.run(noon.Add(6*time.Minute)))

	r.config.Storage = nil
	r.start()
	again := r.run(noon.Add(7 * time.Minute))
	require.Len(t, again, 1, "without a storage nothing is known")
	require.Equal(t, first[0].id, again[0].id)
	require.Len(t, r.logs.FilterMessageSnippet("no storage is set").All(), 1)
}

// TestABurstOfHoursIsOneFinding, although no range has its beginning any more.
func TestABurstOfHoursIsOneFinding(t *testing.T) {
	r := newRig(t)
	var l logins
	r.write(l.failures(noon, 30*time.Second, "root", sprayer, 60)...)
	r.now = noon.Add(30 * time.Minute)
	r.start()
	told := len(r.run(noon.Add(30 * time.Minute)))
	for part := range 10 {
		at := noon.Add(time.Duration(part+1) * 30 * time.Minute)
		r.write(l.failures(at, 30*time.Second, "root", sprayer, 60)...)
		told += len(r.run(at.Add(30 * time.Minute)))
	}
	require.Equal(t, 1, told)
	r.write(l.failures(noon.Add(30*time.Hour), time.Second, "root", sprayer, 20)...)
	require.Len(t, r.run(noon.Add(31*time.Hour)), 1, "another one, on another day")
}

// TestLateEventsAreFound: those that are stored after their time was asked about, and all after a source was away for long.
func TestLateEventsAreFound(t *testing.T) {
	r := newRig(t)
	var l logins
	l.add(noon, "alice", "10.20.0.1", true)
	r.write(l.events...)
	r.now = noon
	r.start()
	r.run(noon.Add(time.Second))
	l.add(noon.Add(2*time.Hour), "alice", "10.20.0.1", true)
	r.write(l.events[1:]...)
	r.run(noon.Add(2 * time.Hour).Add(time.Second))
	r.write(l.failures(noon.Add(70*time.Minute), time.Second, "root", sprayer, 12)...)
	require.Len(t, r.run(noon.Add(2*time.Hour).Add(time.Minute)), 1, "50 minutes late")

	require.Empty(t, r.run(noon.Add(10*time.Hour)), "nothing has come for hours")
	r.write(l.failures(noon.Add(3*time.Hour), time.Second, "root", "192.0.2.67", 12)...)
	require.Len(t, r.run(noon.Add(10*time.Hour).Add(time.Minute)), 1, "the source was away")
}

// TestLaterThanLookback: a source that was away for longer than lookback while others went on is told about, once, and one that had nothing to tell is not.
func TestLaterThanLookback(t *testing.T) {
	r := newRig(t)
	var l logins
	login := func(instance string, at time.Time) {
		l.events = nil
		l.add(at, "alice", "10.20.0.1", true)
		l.events[0].Instance = instance
		r.write(l.events...)
	}
	warnings := func() []observer.LoggedEntry { return r.logs.FilterMessageSnippet("raise lookback").All() }
	login("away", noon)
	login("quiet", noon)
	r.now = noon
	r.start()
	for n := range 30 {
		at := noon.Add(time.Duration(n) * 6 * time.Minute)
		login("there", at)
		r.run(at.Add(time.Second))
	}
	back := noon.Add(3 * time.Hour)
	login("away", noon.Add(30*time.Minute))
	login("away", back)
	login("quiet", back)
	r.run(back.Add(time.Second))
	require.Len(t, warnings(), 1)
	require.Equal(t, "away", warnings()[0].ContextMap()["instance"])
	require.EqualValues(t, 1, warnings()[0].ContextMap()["events"])
	login("away", back.Add(time.Minute))
	r.run(back.Add(2 * time.Minute))
	require.Len(t, warnings(), 1)

	for n := range 30 { // one that is always late
		at := back.Add(time.Duration(1+n) * 6 * time.Minute)
		login("there", at)
		login("batches", at.Add(-2*time.Hour))
		r.run(at.Add(time.Second))
	}
	require.NotEmpty(t, r.logs.FilterMessageSnippet("raise lookback").FilterField(zap.String("instance", "batches")).All())
}

// TestLaterThanLookbackWhileDown: what comes of a source's past while the receiver is down is told about after its start.
func TestLaterThanLookbackWhileDown(t *testing.T) {
	r := newRig(t)
	r.storage, r.config.Storage = &keptStorage{}, &storageID
	var l logins
	login := func(instance string, at time.Time) {
		l.events = nil
		l.add(at, "alice", "10.20.0.1", true)
		l.events[0].Instance = instance
		r.write(l.events...)
	}
	warnings := func() []observer.LoggedEntry { return r.logs.FilterMessageSnippet("raise lookback").All() }
	login("away\xff", noon)
	login("there", noon)
	r.now = noon
	r.start()
	login("there", noon.Add(3*time.Hour))
	r.run(noon.Add(3 * time.Hour).Add(time.Second))
	require.Empty(t, warnings())
	login("away\xff", noon.Add(30*time.Minute))
	login("there", noon.Add(4*time.Hour))
	require.NoError(t, r.Shutdown(t.Context()))
	r.start()
	r.run(noon.Add(4 * time.Hour).Add(time.Second))
	require.Len(t, warnings(), 1)
	require.EqualValues(t, 1, warnings()[0].ContextMap()["events"])
	require.NoError(t, r.Shutdown(t.Context()))
	r.start()
	r.run(noon.Add(4 * time.Hour).Add(time.Minute))
	require.Empty(t, warnings(), "it was told")
}

// TestManyAddressesAreOneFinding, also where answer_time is too short for the day in which they came.
func TestManyAddressesAreOneFinding(t *testing.T) {
	r := newRig(t)
	var l logins
	l.add(noon.AddDate(0, 0, -20), "alice", "10.20.0.1", true)
	for i := range 13 {
		l.add(noon.Add(time.Duration(i-14)*90*time.Minute), "alice", fmt.Sprintf("192.0.%d.1", i), true)
	}
	r.write(l.events...)
	r.now = noon
	r.start()
	r.config.AnswerTime = time.Microsecond // less than a user may write
	var first []string
	for _, f := range r.run(noon) {
		if f.question == firstSeen {
			first = append(first, f.sentence)
		}
	}
	require.Len(t, first, 1)
	require.Contains(t, first[0], "from 13 addresses")
}

// TestDeliveredThenRemembered: what the pipeline does not take is told in the next run, and what it refuses for good is said once.
func TestDeliveredThenRemembered(t *testing.T) {
	r := newRig(t)
	var l logins
	r.write(l.failures(noon, time.Second, "root", sprayer, 12)...)
	r.now = noon.Add(time.Minute)
	r.start()
	r.fail = func(plog.Logs) error { return errors.New("the exporter is away") }
	require.Error(t, r.askAll(t.Context()))
	require.Error(t, r.askAll(t.Context()))
	require.Len(t, r.logs.FilterMessageSnippet("the pipeline does not take findings").All(), 1)
	r.fail = nil
	require.Len(t, r.run(noon.Add(2*time.Minute)), 1)

	r.write(l.failures(noon.Add(3*time.Minute), time.Second, "root", "192.0.2.67", 12)...)
	r.write(l.failures(noon.Add(3*time.Minute), time.Second, "root", "192.0.2.68", 12)...)
	r.fail = func(logs plog.Logs) error {
		if logs.LogRecordCount() > 1 || strings.Contains(logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Body().Str(), "192.0.2.67") {
			return consumererror.NewPermanent(errors.New("no login"))
		}
		return nil
	}
	require.Len(t, r.run(noon.Add(4*time.Minute)), 1, "its neighbour passes")
	require.Empty(t, r.run(noon.Add(5*time.Minute)))
	require.Len(t, r.logs.FilterMessageSnippet("refuses a finding for good").All(), 1)
}

// TestABackendThatIsNotThereYet is a warning, and what it has later is found.
func TestABackendThatIsNotThereYet(t *testing.T) {
	r := newRig(t)
	r.now = noon
	r.start()
	require.Error(t, r.askAll(t.Context()))
	require.Error(t, r.askAll(t.Context()))
	require.Len(t, r.logs.FilterMessageSnippet("the backend cannot be asked").All(), 1)
	r.write()
	require.Empty(t, r.run(noon.Add(time.Minute)), "tables, and nothing in them")
	var l logins
	r.write(l.failures(noon.Add(-20*time.Hour), time.Second, "root", sprayer, 12)...)
	require.Len(t, r.run(noon.Add(2*time.Minute)), 1, "of the day before the start")
}

// TestAnAnswerThatIsNotComplete is asked for again with more time, and said.
func TestAnAnswerThatIsNotComplete(t *testing.T) {
	r := newRig(t)
	var l logins
	for hour := range 20 {
		r.write(l.failures(noon.Add(time.Duration(hour-21)*time.Hour), time.Second, "root", sprayer, 12)...)
	}
	r.now = noon
	r.start()
	r.config.AnswerTime = time.Microsecond // less than a user may write
	require.Len(t, r.run(noon), 20)
	warnings := r.logs.FilterMessageSnippet("answer_time was too short").All()
	require.NotEmpty(t, warnings)
	require.LessOrEqual(t, len(warnings), len(questionNames), "once for each question")
}

// TestANewNetworkIsToldOnce, whatever many addresses of it come, and however often.
func TestANewNetworkIsToldOnce(t *testing.T) {
	r := newRig(t)
	var l logins
	for day := range 10 {
		l.add(noon.AddDate(0, 0, day-10), "alice", "10.20.0.1", true)
	}
	r.write(l.events...)
	r.now = noon
	r.start()
	r.run(noon)
	told := 0
	for i := range 12 {
		at := noon.Add(time.Duration(i) * 10 * time.Minute)
		l.events = nil
		l.add(at, "alice", fmt.Sprintf("203.0.113.%d", 10+i/3), true)
		l.add(at.Add(time.Second), "alice", "10.20.0.200", true)
		r.write(l.events...)
		told += len(r.run(at.Add(time.Minute)))
	}
	require.Equal(t, 1, told)
	l.events = nil
	l.add(noon.Add(3*time.Hour), "alice", "203.0.114.10", true)
	r.write(l.events...)
	require.Len(t, r.run(noon.Add(4*time.Hour)), 1, "its neighbour")
}

// TestWhatIsIgnored: a service is ignored where it runs, and told about when it comes from elsewhere.
func TestWhatIsIgnored(t *testing.T) {
	r := newRig(t)
	r.config.Ignore = []IgnoreConfig{{Users: []string{"svc_*"}, Networks: []string{"10.42.0.0/16"}}, {Networks: []string{"2001:db8::/32"}, Questions: []string{failureBursts}}}
	var l logins
	r.write(l.failures(noon, time.Second, "svc_etl", "10.42.3.9", 12)...)
	r.write(l.failures(noon, time.Second, "svc_etl", "10.43.3.9", 12)...)
	r.write(l.failures(noon, time.Second, "alice", "10.42.3.10", 12)...)
	r.write(l.failures(noon, time.Second, "bob", "2001:DB8::7", 12)...)
	r.now = noon.Add(time.Minute)
	r.start()
	var addresses []string
	for _, f := range r.run(noon.Add(time.Minute)) {
		addresses = append(addresses, f.address)
	}
	require.ElementsMatch(t, []string{"10.43.3.9", "10.42.3.10"}, addresses)
}
