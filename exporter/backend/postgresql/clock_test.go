package postgresql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// trueNow is what a clock says that is right.
var trueNow = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// ranUntil lets the tables remember that a collector ran until a moment.
func ranUntil(t *testing.T, cfg Config, moment time.Time) {
	t.Helper()
	rowsOfMany(t, cfg, fmt.Sprintf("UPDATE sessionlog_settings SET value = %d WHERE name = '%s'", moment.Unix(), retention.SettingCountedFrom))
}

// clocks are those of a collector and of its server.
type clocks struct {
	wall, server time.Time
	elapsed      time.Duration
}

func (c *clocks) pass(d time.Duration) {
	c.wall, c.server, c.elapsed = c.wall.Add(d), c.server.Add(d), c.elapsed+d
}

// clockedStore is one that a test has the clocks of. Nothing runs in it but what the test calls.
func clockedStore(t *testing.T, cfg Config, c *clocks) (*eventStore, func() []string) {
	t.Helper()
	core, logs := observer.New(zapcore.WarnLevel)
	s := newStore(t, cfg)
	s.log, s.now, s.elapsed = zap.New(core), func() time.Time { return c.wall }, func() time.Duration { return c.elapsed }
	s.serverClock = func(context.Context, *pgconn.PgConn) (time.Time, error) { return c.server, nil }
	s.guard = retention.NewGuard(s.log, s.now, s.elapsed)
	require.NoError(t, s.withNewConn(t.Context(), s.setUpSchema))
	t.Cleanup(func() { stopStore(t, s) })
	return s, func() (all []string) {
		for _, line := range logs.TakeAll() {
			if !strings.Contains(line.Message, "fsync") { // of the server that tests share
				all = append(all, line.Message)
			}
		}
		return all
	}
}

// inForceFor90Days are tables with a login in each of three months, whose ttl of 90 days was in force until trueNow.
func inForceFor90Days(t *testing.T, pg *postgresql.Server) Config {
	t.Helper()
	cfg := usedConfig(t, pg)
	cfg.TTL = 90 * day
	s, warnings := clockedStore(t, cfg, &clocks{wall: trueNow, server: trueNow})
	write1(t, s, seq(at(trueNow.Add(-80*day), "a"), at(trueNow.Add(-75*day), "b"), at(trueNow.Add(-20*day), "c")))
	require.NoError(t, s.maintainOnce())
	require.Empty(t, warnings())
	require.Len(t, partitionsOf(t, cfg), 3)
	return cfg
}

// wrongClock: a machine whose clock is ahead, on which the server is too, drops no month and turns no login away, however often it is started.
func wrongClock(t *testing.T, pg *postgresql.Server) {
	for _, leftIn := range []bool{false, true} {
		cfg := inForceFor90Days(t, pg)
		cfg.TTLConfirm = leftIn
		ahead := trueNow.Add(365 * day)
		for n := range 2 {
			s, warnings := clockedStore(t, cfg, &clocks{wall: ahead, server: ahead})
			require.NoError(t, s.maintainOnce())
			require.Equal(t, backend.Result{Written: 1}, write1(t, s, seq(at(trueNow, fmt.Sprint("late", n)))))
			said := warnings()
			require.Contains(t, fmt.Sprint(said), "further ahead")
			require.Contains(t, fmt.Sprint(said), "ttl_confirm: true")
		}
		require.Len(t, readAll(t, cfg), 5)
		cfg.TTLConfirm = false
		s, warnings := clockedStore(t, cfg, &clocks{wall: trueNow, server: trueNow}) // it is mended
		require.NoError(t, s.maintainOnce())
		require.Empty(t, warnings())
		require.Len(t, readAll(t, cfg), 5)
	}
}

// longPause: who was off for a year says so once.
func longPause(t *testing.T, pg *postgresql.Server) {
	cfg := inForceFor90Days(t, pg)
	later := &clocks{wall: trueNow.Add(365 * day), server: trueNow.Add(365 * day)}
	running, told := clockedStore(t, cfg, later)
	require.NoError(t, running.maintainOnce())
	require.Len(t, told(), 1)
	require.Len(t, readAll(t, cfg), 3)
	cfg.TTLConfirm = true
	s, warnings := clockedStore(t, cfg, later)
	require.NoError(t, s.maintainOnce())
	require.Contains(t, fmt.Sprint(warnings()), "the clock is taken to be right")
	require.Empty(t, readAll(t, cfg))
	require.False(t, exists(t, cfg, monthOfMillis(trueNow.Add(-80*day).UnixMilli()).name))
	write1(t, s, seq(at(later.wall.Add(-91*day+time.Hour), "soon")))
	later.pass(time.Hour)
	require.NoError(t, running.maintainOnce())
	require.Empty(t, told(), "another collector has been confirmed")
}

// clockLeapsWhileRunning: what the clocks say is not believed beside what has elapsed.
func clockLeapsWhileRunning(t *testing.T, pg *postgresql.Server) {
	cfg := inForceFor90Days(t, pg)
	c := &clocks{wall: trueNow.Add(time.Minute), server: trueNow.Add(time.Minute)}
	s, warnings := clockedStore(t, cfg, c)
	c.wall, c.server = c.wall.Add(365*day), c.server.Add(365*day)
	require.Equal(t, backend.Result{Written: 1}, write1(t, s, seq(at(trueNow, "before anybody has compared the clocks"))))
	require.NoError(t, s.maintainOnce())
	require.Len(t, warnings(), 1)
	require.Len(t, readAll(t, cfg), 4)
	c.pass(20 * day) // the first one has really expired
	require.NoError(t, s.maintainOnce())
	require.Len(t, readAll(t, cfg), 3)
	c.wall, c.server = time.Unix(30, 0), time.Unix(30, 0)
	require.NoError(t, s.maintainOnce())
	require.Len(t, readAll(t, cfg), 3)
	c.wall, c.server = trueNow.Add(20*day), trueNow.Add(20*day)
	warnings()
	require.NoError(t, s.maintainOnce())
	require.Empty(t, warnings())
	require.Len(t, readAll(t, cfg), 3)
}

// oneClockIsWrong: of a collector and its server, or of several collectors, one that is ahead deletes nothing.
func oneClockIsWrong(t *testing.T, pg *postgresql.Server) {
	cfg := inForceFor90Days(t, pg)
	right := &clocks{wall: trueNow, server: trueNow}
	wrong := &clocks{wall: trueNow.Add(365 * day), server: trueNow} // not even asked about
	itself := &clocks{wall: trueNow.Add(365 * day), server: trueNow.Add(365 * day)}
	a, ofA := clockedStore(t, cfg, right)
	b, ofB := clockedStore(t, cfg, wrong)
	c, ofC := clockedStore(t, cfg, itself)
	for range 3 {
		for _, s := range []*eventStore{a, b, c} {
			require.NoError(t, s.maintainOnce())
		}
		for _, clock := range []*clocks{right, wrong, itself} {
			clock.pass(10 * time.Minute)
		}
	}
	require.Empty(t, ofA())
	require.Empty(t, ofB())
	require.NotEmpty(t, ofC())
	require.Len(t, readAll(t, cfg), 3)
	require.Equal(t, backend.Result{Written: 1}, write1(t, b, seq(at(trueNow, "b"))))
}

// recordsOfTheFuture let nothing expire, and are said.
func recordsOfTheFuture(t *testing.T, pg *postgresql.Server) {
	cfg := inForceFor90Days(t, pg)
	c := &clocks{wall: trueNow, server: trueNow}
	s, warnings := clockedStore(t, cfg, c)
	write1(t, s, seq(at(time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC), "a clock that is wrong")))
	for range 2 {
		require.NoError(t, s.maintainOnce())
		require.Len(t, readAll(t, cfg), 4)
	}
	require.Len(t, warnings(), 1)
	c.pass(day)
	require.NoError(t, s.maintainOnce())
	require.Contains(t, fmt.Sprint(warnings()), "dated more than a day ahead")
}
