package redshift

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift/proxy"
)

// Redshift throws rows away after seven days: that is no tampering, a younger row that is gone may be.
func TestExpiredRowsDidNotVanish(t *testing.T) {
	s := redshift.Start(t)
	grant(t, s, "sys_connection_log")
	now := time.Now().UTC()
	expired := logins("expired", 5, now.Add(-8*24*time.Hour), time.Second)
	young := logins("young", 3, now.Add(-3*24*time.Hour), time.Second)
	fresh := logins("fresh", 2, now.Add(-time.Hour), time.Second)
	insertLogins(t, s, "sys_connection_log", expired...)
	insertLogins(t, s, "sys_connection_log", append(young, fresh...)...)
	r := run(t, config(s, redshift.Collector), nil)
	r.waitEvents(t, 10)
	r.whole(t)
	s.Exec(t, "DELETE FROM pg_catalog.sys_connection_log WHERE user_name LIKE 'expired%'")
	r.whole(t)
	r.whole(t)
	require.Zero(t, r.stats.Counts().Vanished)
	s.Exec(t, "DELETE FROM pg_catalog.sys_connection_log")
	r.lookAtAll()
	eventually(t, "rows are counted as gone", func() bool { return r.stats.Counts().Vanished == 5 })
	r.whole(t)
	require.Equal(t, 5, r.stats.Counts().Vanished)
	require.Len(t, r.emit.Delivered(), 10)
}

// A collector that was away for nine days has lost two.
func TestLostHistoryIsReported(t *testing.T) {
	s := redshift.Start(t)
	grant(t, s, "sys_connection_log")
	store := &sourcetest.Store{}
	insertLogins(t, s, "sys_connection_log", logins("before", 1, time.Now(), 0)...)
	r := run(t, config(s, redshift.Collector), store)
	r.waitEvents(t, 1)
	r.whole(t)
	r.stop()
	require.Zero(t, r.stats.Counts().Lost)
	require.Zero(t, r.log.FilterMessageSnippet("history is lost").Len())

	s.Exec(t, "CREATE OR REPLACE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE RETURN (now() AT TIME ZONE 'UTC')::timestamp(0) + interval '9 days'")
	insertLogins(t, s, "sys_connection_log", logins("after", 1, time.Now().Add(8*24*time.Hour), 0)...)
	r = run(t, config(s, redshift.Collector), store)
	r.waitEvents(t, 1)
	eventually(t, "a loss", func() bool { return r.stats.Counts().Lost > 0 })
	r.whole(t)
	require.InDelta(t, 48, r.stats.Counts().Lost.Hours(), 0.1)
	require.Equal(t, 1, r.log.FilterMessageSnippet("history is lost").Len())
}

// The network fails within an answer, again and again: everything arrives, with the same ids when it is told again.
func TestCutConnectionsLoseNothing(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	cfg.BatchSize = 50
	rows := logins("user", 1200, time.Now().Add(-3*time.Minute), 50*time.Millisecond)
	insertLogins(t, s, table, rows...)
	s.CutAtRow(700)
	r := run(t, cfg, nil)
	eventually(t, "trouble", func() bool {
		return r.log.FilterMessage("the source cannot be read; it is tried again until it can").Len() > 0
	})
	r.emit.WaitFor(t, rows...)
	s.Cut()
	more := logins("more", 5, time.Now(), time.Millisecond)
	insertLogins(t, s, table, more...)
	r.emit.WaitFor(t, more...)
	s.Refuse(true)
	s.Cut()
	eventually(t, "trouble", func() bool { return r.lastStatus() != nil })
	s.Refuse(false)
	last := logins("last", 5, time.Now(), time.Millisecond)
	insertLogins(t, s, table, last...)
	r.emit.WaitFor(t, last...)
	byUser := map[string]string{}
	for _, e := range r.emit.Delivered() {
		if id, again := byUser[e.User]; again {
			require.Equal(t, id, e.RecordID.String())
		}
		byUser[e.User] = e.RecordID.String()
	}
	require.Len(t, byUser, len(rows)+len(more)+len(last))
}

// A poll that finds nothing new is few questions over one connection: each wakes a serverless workgroup, each login is two rows.
func TestAQuietPollAsksLittle(t *testing.T) {
	s := cluster.Get(t)
	cfg, table := own(t, s)
	insertLogins(t, s, table, logins("user", 10, time.Now().Add(-3*time.Minute), time.Second)...)
	var sessions atomic.Int64
	s.OnStatement(func(sql string) proxy.Fate {
		if strings.HasPrefix(sql, "SET ") {
			sessions.Add(1)
		}
		return proxy.Pass
	})
	defer s.OnStatement(nil)
	r := run(t, cfg, nil)
	r.waitEvents(t, 10)
	r.whole(t)
	s.Statements()
	from := r.stats.Counts().ReadCalls
	r.whole(t)
	statements := s.Statements()
	polls := r.stats.Counts().ReadCalls - from
	times, sums := 0, 0
	for _, sql := range statements {
		switch {
		case sql == "SELECT getdate()":
			times++
		case strings.HasSuffix(sql, "GROUP BY 1 ORDER BY 1"):
			sums++
		default:
			require.Fail(t, "neither the time nor sums", sql)
		}
	}
	require.LessOrEqual(t, times, polls+2)
	require.LessOrEqual(t, sums, 2*(polls+2), "a look at a whole day asks for what is left of yesterday, too")
	require.EqualValues(t, 1, sessions.Load())
}

// Should a server ever reckon otherwise, polls must not tell everything again and again.
func TestAServerThatReckonsOtherwiseIsReadByCounts(t *testing.T) {
	s := redshift.Start(t)
	cfg, table := own(t, s)
	s.Exec(t, `CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO collector;
		CREATE FUNCTION evil.modulo(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN (a OPERATOR(pg_catalog.%) b) OPERATOR(pg_catalog.+) 1;
		CREATE OPERATOR evil.% (FUNCTION = evil.modulo, LEFTARG = bigint, RIGHTARG = bigint);
		ALTER ROLE collector SET search_path = evil, pg_catalog, public`)
	rows := logins("user", 10, time.Now().Add(-time.Hour), time.Second)
	insertLogins(t, s, table, rows...)
	r := run(t, cfg, nil)
	r.emit.WaitFor(t, rows...)
	late := logins("late", 1, time.Now().Add(-2*time.Hour), 0)
	insertLogins(t, s, table, late...)
	r.emit.WaitFor(t, late...)
	r.whole(t)
	r.once(t, append(rows, late...)...)
	require.Equal(t, 1, r.log.FilterMessageSnippet("calculates other hashes").Len())
}

func TestARefusedLoginSaysWhatToMind(t *testing.T) {
	s := cluster.Get(t)
	cfg := config(s, redshift.Collector)
	cfg.Password = "not the password"
	r := run(t, cfg, nil)
	eventually(t, "a refusal", func() bool { return r.lastStatus() != nil })
	require.ErrorContains(t, r.lastStatus(), "check username, password")
	require.NotContains(t, r.lastStatus().Error(), "not the password")
}
