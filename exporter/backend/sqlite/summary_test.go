package sqlite

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// cameAndWent are logins of some users from some addresses in no order, some without a system, an address or success.
func cameAndWent(n int) (all []*session.Event) {
	random := rand.New(rand.NewPCG(1, 1))
	for i, e := range dated(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), n, "came") {
		e.Time += int64(random.IntN(100)) * int64(time.Hour)
		e.User, e.ClientAddress = []string{"alice", "bob", "\xff", "", "d'Arc"}[random.IntN(5)], []string{"192.0.2.", "2001:db8::", ""}[random.IntN(3)]
		if e.ClientAddress != "" {
			e.ClientAddress += strconv.Itoa(random.IntN(20))
		}
		if e.System, e.Instance = "test", "came"; i%7 == 0 {
			e.System, e.Instance = "", ""
		}
		if i%11 == 0 {
			e.Outcome = session.OutcomeFailure
		}
		all = append(all, e)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

const (
	countedPairs  = "SELECT quote(user_name) || quote(client_address) || quote(nullif(system, x'')) || quote(nullif(instance, x'')), first FROM sessionlog_pairs ORDER BY 1"
	pairsOfEvents = "SELECT quote(user_name) || quote(client_address) || quote(system) || quote(instance), min(time) FROM session_events WHERE kind = 'login' AND outcome = 'success' AND user_name IS NOT NULL AND client_address IS NOT NULL GROUP BY 1 ORDER BY 1"
	wrongLast     = `SELECT 1 FROM sessionlog_pairs AS p WHERE (SELECT max(e.time) FROM session_events AS e WHERE e.user_name = p.user_name AND e.client_address = p.client_address
		AND e.system IS nullif(p.system, x'') AND e.instance IS nullif(p.instance, x'') AND e.kind = 'login' AND e.outcome = 'success') NOT BETWEEN p.last AND p.last + 86400000000000`
	countedHours = `SELECT quote(user_name) || quote(nullif(system, x'')) || day || ' ' || value FROM sessionlog_hours, generate_hours WHERE hours >> value & 1 ORDER BY 1`
	hoursOfDays  = "WITH RECURSIVE generate_hours(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM generate_hours WHERE value < 23) "
	hoursOfAll   = "SELECT DISTINCT quote(user_name) || quote(system) || (time / 86400000000000) || ' ' || (time / 3600000000000 % 24) FROM session_events WHERE kind = 'login' AND outcome = 'success' AND user_name IS NOT NULL ORDER BY 1"
)

func requireSummary(t *testing.T, cfg Config) {
	t.Helper()
	require.Eventually(t, func() bool {
		return fmt.Sprint(file{cfg}.queryTB(t, "SELECT value FROM sessionlog_settings WHERE name = 'summed_up_to'")) == fmt.Sprint(file{cfg}.queryTB(t, "SELECT max(arrival) FROM session_events"))
	}, 10*time.Second, 5*time.Millisecond)
	require.NotEmpty(t, file{cfg}.queryTB(t, pairsOfEvents))
	require.Equal(t, file{cfg}.queryTB(t, pairsOfEvents), file{cfg}.queryTB(t, countedPairs))
	require.Empty(t, file{cfg}.queryTB(t, wrongLast))
	require.Equal(t, file{cfg}.queryTB(t, hoursOfAll), file{cfg}.queryTB(t, hoursOfDays+countedHours))
}

// changeByHand is another program's writing.
func changeByHand(t *testing.T, cfg Config, statements ...string) {
	t.Helper()
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
	require.NoError(t, err)
	conn.SetBusyTimeout(10 * time.Second)
	for _, sql := range statements {
		require.NoError(t, sqlitex.ExecuteTransient(conn, sql, nil), sql)
	}
	require.NoError(t, conn.Close())
}

// TestSummaryCountsEachEvent: whatever comes in what order, over partitions that are opened and merged, by two programs, and after a deletion by hand.
func TestSummaryCountsEachEvent(t *testing.T) {
	cfg := testConfig(t)
	first, second := startSmall(t, cfg, 8), startSmall(t, cfg, 8)
	t.Cleanup(func() { stop(t, first); stop(t, second) })
	for i, batch := range slices.Collect(slices.Chunk(cameAndWent(3000), 100)) {
		_, err := []*eventStore{first, second}[i%2].Write(t.Context(), seq(batch...))
		require.NoError(t, err)
		_, err = first.Write(t.Context(), seq(batch[:20]...))
		require.NoError(t, err)
	}
	requireSummary(t, cfg)
	changeByHand(t, cfg, "DELETE FROM session_events WHERE user_name = 'bob'")
	requireSummary(t, cfg)
}

// TestExpiredLoginStaysSeen: a pair is known as long as one of its logins is stored, though its first has expired; then it is forgotten.
func TestExpiredLoginStaysSeen(t *testing.T) {
	cfg := testConfig(t)
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	login := func(n int, user string, after time.Duration) *session.Event {
		e := dated(begin.Add(after), n+1, user)[n]
		e.User, e.ClientAddress = user, "192.0.2.1"
		return e
	}
	requireKnown := func(users string, now time.Duration, events ...*session.Event) {
		s := newStore(t, cfg)
		s.limits, s.tendEvery, s.now = partitionLimits{rows: smallRows, tables: 8}, 2*time.Millisecond, func() time.Time { return begin.Add(now) }
		require.NoError(t, s.Start(t.Context()))
		defer stop(t, s)
		_, err := s.Write(t.Context(), seq(events...))
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			return fmt.Sprint(file{cfg}.queryTB(t, "SELECT user_name FROM sessionlog_pairs ORDER BY 1")) == users
		}, 10*time.Second, 5*time.Millisecond)
	}
	requireKnown("[[leaver] [stayer]]", 32*day, login(0, "stayer", 0), login(0, "leaver", 0), login(0, "stayer", 20*day), login(0, "stayer", 32*day))
	cfg.TTL, cfg.TTLConfirm = 30*day, true
	requireKnown("[[stayer]]", 32*day)
	require.Len(t, readAll(t, cfg), 2, "the first has expired")
	store := file{cfg}.Ask(t)
	defer func() { require.NoError(t, store.Close()) }()
	counted, known, err := store.Summary(t.Context())
	require.NoError(t, err)
	require.True(t, known)
	require.Empty(t, rowsOf(t, store, counted.NewPairs(begin.Add(10*day).UnixNano()), 4))
}

func rowsOf(t *testing.T, store query.Store, sql string, expressions int) (all []string) {
	t.Helper()
	for row, err := range store.Rows(t.Context(), sql, expressions) {
		require.NoError(t, err)
		all = append(all, fmt.Sprint(row))
	}
	slices.Sort(all)
	return all
}

// TestSummaryCountedAnewWhileAsked: somebody deletes rows by hand after a question has begun. What it asks then is of the rows that are left, not of a
// summary that has become empty.
func TestSummaryCountedAnewWhileAsked(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 8)
	events := cameAndWent(500)
	writeAll(t, s, events)
	requireSummary(t, cfg)
	stop(t, s)
	store := file{cfg}.Ask(t)
	defer func() { require.NoError(t, store.Close()) }()
	counted, known, err := store.Summary(t.Context())
	require.NoError(t, err)
	require.True(t, known)
	from := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC).UnixNano()
	all := []query.HourShift{{Masks: []uint32{1<<24 - 1, 1<<12 - 1}}} // until the noon of the second day
	hours := func() (users []string) {
		for _, row := range rowsOf(t, store, counted.Hours(from/int64(24*time.Hour), all, nil), query.HoursColumns) {
			users = append(users, strings.SplitAfterN(row, "}", 4)[0])
		}
		return slices.Compact(users)
	}
	pairs, users := rowsOf(t, store, counted.NewPairs(from), 4), hours()
	require.NotEmpty(t, pairs)
	changeByHand(t, cfg, "DELETE FROM session_events WHERE outcome = 'failure'")
	require.Equal(t, pairs, rowsOf(t, store, counted.NewPairs(from), 4))
	require.Len(t, users, 4)
	require.Equal(t, users, hours())
}
