package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/session"
)

const day = 24 * time.Hour

// trueNow is what a clock says that is right.
var trueNow = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// historyOf80Days are events that are four hours apart.
func historyOf80Days() (all []*session.Event) {
	for i := range 80 * 6 {
		all = append(all, loginAt(trueNow.Add(-80*day+time.Duration(i)*4*time.Hour), i))
	}
	return all
}

func loginAt(moment time.Time, n int) *session.Event {
	e := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "test", User: "alice", Time: moment.UnixNano()}
	var h session.Hasher
	e.RecordID = h.Start("history", "test", "").Int(int64(n)).RecordID(e.Time)
	return e
}

// ranUntil lets the file remember that a collector ran until a moment.
func ranUntil(t *testing.T, cfg Config, moment time.Time) {
	t.Helper()
	byHand(t, cfg, fmt.Sprintf("UPDATE sessionlog_settings SET value = %d WHERE name = '%s'", moment.Unix(), retention.SettingCountedFrom))
}

// fakeClocks are those of a machine, which tests set.
type fakeClocks struct {
	wall    time.Time
	elapsed time.Duration
}

// pass lets time pass: both clocks go on.
func (c *fakeClocks) pass(d time.Duration) { c.wall, c.elapsed = c.wall.Add(d), c.elapsed+d }

// collector is one that runs its retention when a test says so.
type collector struct {
	*fakeClocks
	*expiryTimer
	logs *observer.ObservedLogs
	read int // of logs
}

// startCollector starts one whose clock says wall.
func startCollector(t *testing.T, cfg Config, wall time.Time) *collector {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	c := &collector{fakeClocks: &fakeClocks{wall: wall}, logs: logs}
	s := newStore(t, cfg)
	s.log, s.limits = zap.New(core), partitionLimits{rows: smallRows, tables: 64}
	s.now, s.elapsed = func() time.Time { return c.wall }, func() time.Duration { return c.elapsed }
	w := &groupWriter{eventStore: s, guard: retention.NewGuard(s.log, s.now, s.elapsed), conditions: conditionlog.New(s.log, s.now), moveTimer: time.NewTimer(time.Hour)}
	require.NoError(t, w.openUnlessDamaged(t.Context()))
	c.expiryTimer = &expiryTimer{groupWriter: w, conditions: conditionlog.New(s.log, s.now)}
	t.Cleanup(c.stop)
	return c
}

func (c *collector) stop() {
	if c.conn != nil {
		c.closeAtEnd()
	}
}

// expire deletes all that has expired.
func (c *collector) expire(t *testing.T) {
	t.Helper()
	for more := true; more; {
		var err error
		more, err = c.deleteSlice()
		require.NoError(t, err)
	}
}

// write gives an event to the collector.
func (c *collector) write(t *testing.T, e *session.Event) backend.Result {
	t.Helper()
	r := &writeRequest{ctx: context.Background(), events: seq(e), contentHash: backend.NewContentHash(), done: make(chan struct{})}
	c.commitGroup(r)
	require.NoError(t, r.err)
	return r.result
}

// warnings are those since it was asked last.
func (c *collector) warnings() (all []string) {
	lines := c.logs.All()
	for _, line := range lines[c.read:] {
		if line.Level >= zapcore.WarnLevel {
			all = append(all, line.Message)
		}
	}
	c.read = len(lines)
	return all
}

// inForceFor90Days is a file with the events of 80 days, whose ttl of 90 days was in force until trueNow.
func inForceFor90Days(t *testing.T) (cfg Config, events []*session.Event) {
	t.Helper()
	cfg, events = testConfig(t), historyOf80Days()
	s := startSmall(t, cfg, 64)
	writeAll(t, s, events)
	stop(t, s)
	cfg.TTL = 90 * day
	c := startCollector(t, cfg, trueNow)
	c.expire(t)
	c.stop()
	require.Empty(t, c.warnings())
	require.Equal(t, len(events), stored(t, cfg))
	require.Greater(t, len(requireRanges(t, cfg)), 3)
	return cfg, events
}

// TestAWrongClockAtStartDeletesNothing, and turns no login away; restarts confirm nothing, with a ttl_confirm neither that stood there before the question.
func TestAWrongClockAtStartDeletesNothing(t *testing.T) {
	for _, ahead := range []time.Duration{30 * day, 365 * day, 20 * 365 * day, 250 * 365 * day} {
		for _, leftIn := range []bool{false, true} {
			t.Run(fmt.Sprint(ahead, leftIn), func(t *testing.T) {
				cfg, events := inForceFor90Days(t)
				cfg.TTLConfirm = leftIn
				for n := range 3 {
					c := startCollector(t, cfg, trueNow.Add(ahead))
					c.expire(t)
					require.Equal(t, backend.Result{Written: 1}, c.write(t, loginAt(trueNow, 10_000+n)), "what comes is written")
					c.pass(day)
					c.expire(t)
					warnings := c.warnings()
					require.NotEmpty(t, warnings)
					require.Contains(t, warnings[len(warnings)-1], "ttl_confirm: true")
					require.Contains(t, warnings[len(warnings)-1], "further ahead")
					require.Equal(t, leftIn, slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "take ttl_confirm out and restart") }))
					c.stop()
				}
				require.Equal(t, len(events)+3, stored(t, cfg))

				cfg.TTLConfirm = false // the clock is mended
				c := startCollector(t, cfg, trueNow.Add(time.Hour))
				c.expire(t)
				require.Empty(t, c.warnings())
				c.stop()
				cfg.TTLConfirm = true // it answers no question of before
				c = startCollector(t, cfg, trueNow.Add(ahead))
				c.expire(t)
				c.stop()
				require.Equal(t, len(events)+3, stored(t, cfg))
				requireRanges(t, cfg)
			})
		}
	}
}

// TestALongPauseIsConfirmed: who was off for a year says so once.
func TestALongPauseIsConfirmed(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	now := trueNow.Add(365 * day)
	c := startCollector(t, cfg, now)
	c.expire(t)
	require.Equal(t, backend.Result{Written: 1}, c.write(t, loginAt(now, 10_000)))
	require.Len(t, c.warnings(), 1)
	c.stop()
	require.Equal(t, len(events)+1, stored(t, cfg))

	cfg.TTLConfirm = true
	c = startCollector(t, cfg, now.Add(time.Minute))
	c.expire(t)
	require.Len(t, c.logs.FilterMessageSnippet("the clock is taken to be right").All(), 1)
	c.stop()
	require.Equal(t, 1, stored(t, cfg))

	cfg.TTLConfirm = false
	c = startCollector(t, cfg, now.Add(time.Hour))
	c.expire(t)
	require.Empty(t, c.warnings())
}

// TestAPauseThatIsOrdinaryIsNotAskedAbout: a weekend with a ttl of a year, and whatever would delete nothing.
func TestAPauseThatIsOrdinaryIsNotAskedAbout(t *testing.T) {
	cfg := testConfig(t)
	cfg.TTL = 365 * day
	c := startCollector(t, cfg, trueNow)
	c.write(t, loginAt(trueNow.Add(-365*day+time.Hour), 1))
	c.write(t, loginAt(trueNow, 2))
	c.expire(t)
	c.stop()
	c = startCollector(t, cfg, trueNow.Add(62*time.Hour))
	c.expire(t)
	require.Empty(t, c.warnings())
	require.Equal(t, 1, stored(t, cfg), "the one that is older than a year has gone")
	c.stop()

	c = startCollector(t, cfg, trueNow.Add(300*day))
	c.expire(t)
	require.Empty(t, c.warnings(), "nothing would be deleted")
}

// TestAClockThatLeapsWhileRunning: what it says is not believed beside what has elapsed.
func TestAClockThatLeapsWhileRunning(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	c := startCollector(t, cfg, trueNow.Add(time.Minute))
	c.expire(t)
	c.wall = c.wall.Add(100 * day)
	require.Equal(t, backend.Result{Written: 1}, c.write(t, loginAt(trueNow, 10_000)), "before anybody has compared the clocks")
	c.expire(t)
	require.Len(t, c.warnings(), 1)
	require.Equal(t, len(events)+1, stored(t, cfg))

	c.pass(20 * day) // the first 10 days have really expired
	c.expire(t)
	require.InDelta(t, len(events)-60, stored(t, cfg), 5, "what has expired by the time that has passed is deleted")
	require.Len(t, c.warnings(), 1, "again, after ten minutes")
	c.wall = c.wall.Add(-100 * day) // it is mended
	c.expire(t)
	require.Empty(t, c.warnings())
	require.Len(t, c.logs.FilterMessage("ttl counts from the clock again").All(), 1)
	require.InDelta(t, len(events)-60, stored(t, cfg), 5)
}

// TestASmallLeapIsBelievedLater: a clock that is ten days ahead for some minutes deletes nothing; one that stays there is right.
func TestASmallLeapIsBelievedLater(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	c := startCollector(t, cfg, trueNow.Add(15*day)) // 5 days of the events would expire
	for range 9 {
		c.expire(t)
		c.pass(time.Minute)
	}
	require.Equal(t, len(events), stored(t, cfg))
	c.pass(2 * time.Minute)
	c.expire(t)
	require.InDelta(t, len(events)-30, stored(t, cfg), 2)
	require.Empty(t, c.warnings())
}

// TestAClockThatGoesBack deletes nothing, is said, and may come back.
func TestAClockThatGoesBack(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	for range 2 { // a machine without a battery, at each boot
		c := startCollector(t, cfg, time.Unix(30, 0))
		c.expire(t)
		require.Equal(t, backend.Result{Duplicates: 1}, c.write(t, events[0]))
		c.pass(time.Minute)
		c.expire(t)
		warnings := c.warnings()
		require.Len(t, warnings, 1)
		require.Contains(t, warnings[0], "the clock is behind")
		c.wall = trueNow.Add(time.Hour)
		c.expire(t)
		require.Empty(t, c.warnings())
		c.stop()
		require.Equal(t, len(events), stored(t, cfg))
	}
}

// TestAClockThatWasAheadFirst: the note of a time that is yet to come can be taken back.
func TestAClockThatWasAheadFirst(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	ranUntil(t, cfg, trueNow.Add(400*day))
	c := startCollector(t, cfg, trueNow)
	c.expire(t)
	require.Len(t, c.warnings(), 1)
	c.stop()
	cfg.TTLConfirm = true
	c = startCollector(t, cfg, trueNow)
	c.stop()
	cfg.TTLConfirm = false
	c = startCollector(t, cfg, trueNow.Add(time.Hour))
	c.expire(t)
	require.Empty(t, c.warnings())
	c.wall = c.wall.Add(400 * day)
	c.expire(t)
	require.Len(t, c.warnings(), 1, "the guard is awake again")
	require.Equal(t, len(events), stored(t, cfg))
}

// TestTwoCollectorsOneClockWrong: the one whose clock is wrong deletes nothing, and does not mislead the other.
func TestTwoCollectorsOneClockWrong(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	right, wrong := startCollector(t, cfg, trueNow), startCollector(t, cfg, trueNow.Add(365*day))
	for range 30 {
		right.expire(t)
		wrong.expire(t)
		right.pass(time.Minute)
		wrong.pass(time.Minute)
	}
	require.Empty(t, right.warnings())
	require.Len(t, wrong.warnings(), 3)
	require.Equal(t, len(events), stored(t, cfg))
	wrong.stop()
	right.pass(10 * time.Minute)
	right.expire(t)
	cfg.TTLConfirm = true
	wrong = startCollector(t, cfg, wrong.wall)
	wrong.expire(t)
	right.expire(t)
	wrong.stop()
	require.Equal(t, len(events), stored(t, cfg), "the other has answered the question: no year has passed")
}

// TestSeveralCollectorsAfterALongPause: when one is confirmed, the others go on.
func TestSeveralCollectorsAfterALongPause(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	now := trueNow.Add(365 * day)
	one, two := startCollector(t, cfg, now), startCollector(t, cfg, now)
	one.expire(t)
	two.expire(t)
	require.Equal(t, len(events), stored(t, cfg))
	one.stop()
	confirmed := cfg
	confirmed.TTLConfirm = true
	startCollector(t, confirmed, now)
	two.warnings()
	two.expire(t)
	require.Empty(t, two.warnings())
	require.Zero(t, stored(t, cfg))
}

// TestRecordsOfTheFuture expire nothing, and are said.
func TestRecordsOfTheFuture(t *testing.T) {
	cfg, events := inForceFor90Days(t)
	c := startCollector(t, cfg, trueNow)
	require.Equal(t, backend.Result{Written: 1}, c.write(t, loginAt(time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), 1)))
	old := loginAt(trueNow.Add(-80*day), 0) // its partition is kept by a time that is wrong
	old.RecordID[15]++
	old.Time = math.MaxInt64
	require.Equal(t, backend.Result{Written: 1}, c.write(t, old))
	c.expire(t)
	require.Equal(t, len(events)+2, stored(t, cfg))
	said := c.logs.FilterMessageSnippet("dated more than a day ahead").All()
	require.Len(t, said, 1)
	require.EqualValues(t, 2, said[0].ContextMap()["records"])
	for range 90 {
		c.pass(day)
		c.expire(t)
	}
	require.InDelta(t, 2, stored(t, cfg), 1)
	require.InDelta(t, 90, c.logs.FilterMessageSnippet("dated more than a day ahead").Len(), 1, "once a day")
}
