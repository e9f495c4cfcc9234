package postgresql

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// cameAndWent are logins of some users from some addresses in no order, some without a system, an address or success, and one of before 1970.
func cameAndWent(n int) (all []*session.Event) {
	random := rand.New(rand.NewPCG(1, 1))
	for i := range n {
		moment := time.Date(2026, 3, 1, random.IntN(100), random.IntN(60), 0, i, time.UTC)
		if i == 0 {
			moment = time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC)
		}
		e := at(moment, []string{"alice", "bob", "\xff", strings.Repeat("long", 1000), "d'Arc"}[random.IntN(5)])
		e.RecordID = new(session.Hasher).Start("came", "", "").Int(int64(i)).RecordID(e.Time)
		if e.ClientAddress = []string{"192.0.2.", "2001:db8::", ""}[random.IntN(3)]; e.ClientAddress != "" {
			e.ClientAddress += strconv.Itoa(random.IntN(20))
		}
		if i%7 == 0 {
			e.System, e.Instance = "", ""
		}
		if i%11 == 0 {
			e.Outcome = session.OutcomeFailure
		}
		if i%13 == 0 { // of another sender
			e.RecordID[0] = 0xf0
		}
		all = append(all, e)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

const (
	loginsThatCount = " FROM session_events WHERE kind = 'login' AND outcome = 'success' AND user_name IS NOT NULL"
	countedPairs    = "SELECT md5(user_name), nullif(system, ''), nullif(instance, ''), client_address, first_seen FROM session_pairs ORDER BY 1, 2, 3, 4"
	pairsOfEvents   = "SELECT md5(user_name), system, instance, client_address, min(time_ns)" + loginsThatCount + " AND client_address IS NOT NULL GROUP BY user_name, system, instance, client_address ORDER BY 1, 2, 3, 4"
	countedHours    = "SELECT md5(user_name), nullif(system, ''), nullif(instance, ''), day, hours FROM session_hours ORDER BY 1, 2, 3, 4"
	hoursOfEvents   = "SELECT md5(user_name), system, instance, time_ns / 86400000000000, bit_or(1 << (time_ns / 3600000000000 % 24)::integer)" + loginsThatCount + " AND time_ns >= 0 GROUP BY user_name, system, instance, 4 ORDER BY 1, 2, 3, 4"
	wrongLast       = `SELECT 1 FROM session_pairs AS p WHERE (SELECT max(e.time_ns) FROM session_events AS e WHERE e.user_name = p.user_name AND e.client_address = p.client_address AND coalesce(e.system, '') = p.system
		AND coalesce(e.instance, '') = p.instance AND e.kind = 'login' AND e.outcome = 'success') NOT BETWEEN p.last_seen AND p.last_seen + 86400000000000`
)

func requireSummary(t *testing.T, cfg Config) {
	t.Helper()
	require.Eventually(t, func() bool { return rowsOf(t, cfg, "SELECT count(*) FROM session_uncounted").Cells[0][0] == "0" }, 10*time.Second, 5*time.Millisecond)
	require.NotEmpty(t, rowsOf(t, cfg, pairsOfEvents).Cells)
	require.Equal(t, rowsOf(t, cfg, pairsOfEvents).Cells, rowsOf(t, cfg, countedPairs).Cells)
	require.Empty(t, rowsOf(t, cfg, wrongLast).Cells)
	require.Equal(t, rowsOf(t, cfg, hoursOfEvents).Cells, rowsOf(t, cfg, countedHours).Cells)
}

func startCounting(t *testing.T, cfg Config, every time.Duration) *eventStore {
	s := newStore(t, cfg)
	s.countEvery = every
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(func() { stopStore(t, s) })
	return s
}

// summaryAnswers are those about history, whose rows are united.
func summaryAnswers(t *testing.T, cfg Config) string {
	store, err := OpenQueryStore(t.Context(), cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, store.Close()) }()
	counted, known, err := store.Summary(t.Context())
	require.NoError(t, err)
	require.True(t, known)
	from := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC).UnixNano()
	all := []query.HourShift{{By: 24, Masks: []uint32{0, 1<<24 - 1, 1<<12 - 1}}}
	past := []query.HourShift{{By: 24, Masks: []uint32{1, 0, 0}}}
	var rows []string
	for i, sql := range []string{counted.NewPairs(from), counted.Hours(from/int64(day)-1, all, past)} {
		for row, err := range store.Rows(t.Context(), sql, 4+i) {
			require.NoError(t, err)
			rows = append(rows, fmt.Sprint(i, row))
		}
	}
	require.Greater(t, len(rows), 40)
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

// summaryCountsEachEvent: whatever comes in what order, twice, by two programs and with a prefix, is counted, and asked for before it is.
func summaryCountsEachEvent(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	cfg.TablePrefix = "audit_"
	plain := cfg
	plain.TablePrefix = ""
	views := func() {
		for _, name := range []string{"session_events", "session_pairs", "session_hours", "session_uncounted"} {
			rowsOf(t, plain, "CREATE VIEW "+name+" AS SELECT * FROM audit_"+name)
		}
	}
	waiting := []*eventStore{startCounting(t, cfg, time.Hour), startCounting(t, cfg, time.Hour)}
	views()
	for i, batch := range slices.Collect(slices.Chunk(cameAndWent(1000), 100)) {
		write1(t, waiting[i%2], seq(batch...))
		write1(t, waiting[(i+1)%2], seq(append(batch[:20:20], batch[:5]...)...))
	}
	require.Empty(t, rowsOf(t, plain, countedPairs).Cells)
	other := testConfig(t, pg)
	busy := startCounting(t, other, time.Hour)
	write1(t, busy, seq(cameAndWent(10)...))
	busy.uncounted.Store(0)
	busy.countRows(true)
	require.EqualValues(t, 1, busy.uncounted.Load(), "there may be more")
	busy.countRows(true)
	require.EqualValues(t, 1, busy.uncounted.Swap(0), "nothing was left")
	requireSummary(t, other)
	before := summaryAnswers(t, cfg)
	s := startCounting(t, cfg, 5*time.Millisecond)
	requireSummary(t, plain)
	require.Equal(t, before, summaryAnswers(t, cfg))

	var ofBob []session.ID
	for i, e := range cameAndWent(1000) {
		if e.User == "bob" && i%2 == 0 {
			ofBob = append(ofBob, e.RecordID)
		}
	}
	require.NoError(t, s.EraseRecords(t.Context(), ofBob, false))
	s.uncounted.Add(1)
	requireSummary(t, plain)
	require.NoError(t, s.withNewConn(t.Context(), func(ctx context.Context, conn *pgconn.PgConn) error {
		return s.forgetSummary(ctx, conn, time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	}))
	require.Equal(t, [][]string{{"20516"}}, rowsOf(t, plain, "SELECT min(day) FROM session_hours").Cells)
	require.Equal(t, [][]string{{"t"}}, rowsOf(t, plain, "SELECT min(last_seen) >= 1772539200000000000 FROM session_pairs").Cells, "noon of the day before")
}
