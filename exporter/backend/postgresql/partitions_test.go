package postgresql

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// at makes an event of a moment, with an id that begins with it, as sources do.
func at(moment time.Time, user string) *session.Event {
	e := &session.Event{
		Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: session.SystemPostgreSQL, Instance: "test",
		Time: moment.UnixNano(), User: user,
	}
	var h session.Hasher
	e.RecordID = h.Start("test", e.System, e.Instance).Str(user).RecordID(e.Time)
	return e
}

func partitionsOf(t *testing.T, cfg Config) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, r := range rowsOf(t, cfg, "SELECT tableoid::regclass, count(*) FROM session_events GROUP BY 1").Cells {
		got[r[0]] = r[1]
	}
	return got
}

func exists(t *testing.T, cfg Config, table string) bool {
	return rowsOf(t, cfg, "SELECT to_regclass('"+table+"') IS NOT NULL").Cells[0][0] == "t"
}

// months: history goes into partitions of its own, which are made when they are wanted; what has no month of its own goes
// into the default one.
func months(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	now := time.Now().UTC()
	require.True(t, exists(t, cfg, monthOfMillis(now.AddDate(0, 1, 1-now.Day()).UnixMilli()).name), "the month to come")

	march := time.Date(2025, 3, 31, 23, 59, 59, 999_999_999, time.UTC)
	foreign := at(march, "foreign")
	foreign.RecordID[0], foreign.RecordID[1] = 0xF0, 0x0D
	old, future := at(time.UnixMilli(1), "1970"), at(now.AddDate(3, 0, 0), "a clock that is wrong")
	res := write1(t, s, seq(at(march, "a"), at(march.Add(1), "b"), at(now, "c"), foreign, old, future))
	require.Equal(t, backend.Result{Written: 6}, res)
	require.Equal(t, map[string]string{
		"session_events_2025_03": "1", "session_events_2025_04": "1", monthOfMillis(now.UnixMilli()).name: "1", "session_events_default": "3",
	}, partitionsOf(t, cfg))

	// First write wins over partitions: a forger cannot hide behind another time.
	forged := *at(march, "a")
	forged.Time = now.UnixNano()
	require.Equal(t, backend.Result{Conflicts: 1}, write1(t, s, seq(&forged)))
	require.Len(t, readAll(t, cfg), 6)
}

// monthFromDefault: a month takes over what the default partition has of it.
func monthFromDefault(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stopStore(t, started(t, cfg))
	unmanaged := cfg
	unmanaged.CreateSchema = false
	s := startStore(t, unmanaged)
	may := time.Date(2024, 5, 5, 5, 5, 5, 0, time.UTC)
	write1(t, s, seq(at(may, "early")))
	require.Equal(t, map[string]string{"session_events_default": "1"}, partitionsOf(t, cfg))
	managed := startStore(t, cfg)
	require.Equal(t, backend.Result{Written: 1, Duplicates: 1}, write1(t, managed, seq(at(may, "early"), at(may, "late"))))
	require.Equal(t, map[string]string{"session_events_2024_05": "2"}, partitionsOf(t, cfg))
}

// manyMonthsAtOnce: several collectors tell the same history at the same time.
func manyMonthsAtOnce(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	stores := []*eventStore{startStore(t, cfg), startStore(t, cfg)}
	var history []*session.Event
	for m := range 24 {
		history = append(history, at(time.Date(2023, time.Month(m+1), 15, 0, 0, 0, 0, time.UTC), "u"))
	}
	results := make(chan backend.Result)
	for i := range 4 {
		go func() {
			res, err := stores[i%2].Write(t.Context(), seq(history...))
			if err != nil {
				t.Error(err)
			}
			results <- res
		}()
	}
	written := 0
	for range 4 {
		res := <-results
		require.Equal(t, len(history), res.Written+res.Duplicates)
		written += res.Written
	}
	require.Equal(t, len(history), written)
	require.Len(t, readAll(t, cfg), len(history))
}

// monthsExpire: months wholly before ttl are dropped, the others stay whole; what lies elsewhere is deleted by its time.
func monthsExpire(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	keeper := startStore(t, cfg)
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	foreign := func(moment time.Time, user string) *session.Event {
		e := at(moment, user)
		e.RecordID[0] = 0xF0
		return e
	}
	young := at(now.AddDate(0, -3, 0), "an old id, a young time")
	young.Time = now.UnixNano()
	write1(t, keeper, seq(
		at(now.AddDate(0, -3, 1), "December"), at(now.AddDate(0, -2, 0), "January"), young,
		at(now.AddDate(0, -1, -19), "1 February"), at(now, "March"),
		foreign(now.AddDate(0, -3, 0), "foreign December"), foreign(now, "foreign March"),
	))
	require.Equal(t, backend.Result{Conflicts: 1}, write1(t, keeper, func(yield func(int, *session.Event) bool) {
		e := at(now.AddDate(0, -2, 0), "January")
		e.Outcome = session.OutcomeFailure
		yield(0, e)
	}))

	cfg.TTL, cfg.TTLConfirm = 40*24*time.Hour, true // from 8 February on
	s := newStore(t, cfg)
	s.now = func() time.Time { return now }
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	require.Eventually(t, func() bool { return !exists(t, cfg, "session_events_2026_01") }, 30*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return len(readAll(t, cfg)) == 4 }, 30*time.Second, 10*time.Millisecond)
	var users []string
	for _, e := range readAll(t, cfg) {
		users = append(users, e.User)
	}
	require.ElementsMatch(t, []string{"an old id, a young time", "1 February", "March", "foreign March"}, users)
	require.Equal(t, [][]string{{"0"}}, rowsOf(t, cfg, "SELECT count(*) FROM session_conflicts").Cells)

	res := write1(t, s, seq(at(now.AddDate(0, -3, 1), "December"), at(now.Add(-time.Hour), "new")))
	require.Equal(t, backend.Result{Written: 1, Expired: 1}, res, "what is told again does not come back")
}

// youngAtTheLastMoment: while a month is about to be dropped somebody commits a young record into it, whose id is old. It stays.
func youngAtTheLastMoment(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	keeper := startStore(t, cfg)
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	old := now.AddDate(0, -3, 0)
	write1(t, keeper, seq(at(old, "December")))
	conn, err := keeper.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	id := at(old, "an old id, a young time").RecordID
	id[15]++
	require.NoError(t, execStatements(t.Context(), conn, fmt.Sprintf("BEGIN; INSERT INTO session_events (kind, outcome, time, time_ns, record_id, user_name, content_hash) "+
		"VALUES ('login', 'success', '%s', %d, '%s', 'young', '')", now.Format(time.RFC3339), now.UnixNano(), id)))

	cfg.TTL, cfg.TTLConfirm = 40*24*time.Hour, true
	s := newStore(t, cfg)
	s.now, s.lockTimeout = func() time.Time { return now }, time.Minute
	require.NoError(t, s.Start(t.Context()))
	defer stopStore(t, s)
	waiting := "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE NOT l.granted AND c.relname LIKE 'session_events%' " +
		"AND c.relnamespace = '" + cfg.Schema + "'::regnamespace"
	require.Eventually(t, func() bool { return rowsOf(t, cfg, waiting).Cells[0][0] != "0" }, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, execStatements(t.Context(), conn, "COMMIT"))
	expired := func() bool { return len(readAll(t, cfg)) < 2 }
	require.Eventually(t, expired, 30*time.Second, 10*time.Millisecond)
	require.Equal(t, [][]string{{"young"}}, rowsOf(t, cfg, "SELECT user_name FROM session_events").Cells)
}

// twoExpireAtOnce: collectors that share the tables drop the same months at the same moment, and neither fails.
func twoExpireAtOnce(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	now := time.Now().UTC()
	writer := startStore(t, cfg)
	var history []*session.Event
	for month := range 12 {
		history = append(history, at(now.AddDate(-2, -month, 0), "u"))
	}
	cfg.TTL, cfg.TTLConfirm = 40*24*time.Hour, true
	for range 3 {
		write1(t, writer, seq(history...))
		stores := []*eventStore{newStore(t, cfg), newStore(t, cfg)}
		failures := make(chan error)
		for _, s := range stores {
			require.NoError(t, s.Start(t.Context()))
			go func() { failures <- s.maintainOnce() }() // beside the one that Start began
		}
		for _, s := range stores {
			require.NoError(t, <-failures)
			stopStore(t, s)
		}
		require.Empty(t, readAll(t, cfg))
	}
}
