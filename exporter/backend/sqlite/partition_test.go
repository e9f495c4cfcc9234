package sqlite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const smallRows = 100

// startSmall starts a store whose partitions have a hundred rows, and which tends them all the time.
func startSmall(t *testing.T, cfg Config, tables int) *eventStore {
	t.Helper()
	s := newStore(t, cfg)
	s.limits, s.tendEvery = partitionLimits{rows: smallRows, tables: tables}, 5*time.Millisecond
	require.NoError(t, s.Start(t.Context()))
	return s
}

func stop(t *testing.T, s *eventStore) {
	t.Helper()
	require.NoError(t, s.Shutdown(context.Background()))
}

// dated are n events from a time on, a second apart, with ids of their own.
func dated(from time.Time, n int, source string) (all []*session.Event) {
	var h session.Hasher
	for i := range n {
		e := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "test", Instance: source, User: "u" + strconv.Itoa(i%7)}
		e.Time = from.Add(time.Duration(i) * time.Second).UnixNano()
		h.Start("dated", "test", source).Int(int64(i))
		e.RecordID = h.RecordID(e.Time)
		all = append(all, e)
	}
	return all
}

// writeAll writes in batches of 30 and gives the sums.
func writeAll(t *testing.T, s *eventStore, events []*session.Event) (sum backend.Result) {
	t.Helper()
	for batch := range slices.Chunk(events, 30) {
		res, err := s.Write(t.Context(), seq(batch...))
		require.NoError(t, err)
		sum.Written += res.Written
		sum.Duplicates += res.Duplicates
		sum.Conflicts += res.Conflicts
		sum.Expired += res.Expired
	}
	return sum
}

// requireRanges checks that every record is in the table that its id belongs to, once, and that the view shows all tables.
func requireRanges(t *testing.T, cfg Config) (ranges []*rangePartition) {
	t.Helper()
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN", nil))
	all, err := cfg.readPartitions(conn, nil)
	require.NoError(t, err)
	rows := int64(0)
	for _, p := range all.each() {
		require.NoError(t, p.count(conn))
		rows += p.rows
		require.NoError(t, sqlitex.ExecuteTransient(conn, "SELECT record_id FROM "+p.table, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			var id session.ID
			stmt.ColumnBytes(0, id[:])
			require.Same(t, p, all.holding(id), "%s has %s", p.table, id)
			return nil
		}}))
	}
	for what, want := range map[string]int64{"count(*)": rows, "count(DISTINCT arrival)": rows, "count(DISTINCT record_id)": rows} {
		n, err := queryNumber(conn, cfg.prefixNames("SELECT "+what+" FROM session_events"))
		require.NoError(t, err)
		require.Equal(t, want, n, what)
	}
	tables, err := queryNumber(conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB ?", cfg.TablePrefix+"session_events_*")
	require.NoError(t, err)
	require.Len(t, all.each(), int(tables), "a table that the catalogue does not have")
	return all.ranges
}

// requireIndexed waits until every partition has all indexes.
func requireIndexed(t *testing.T, cfg Config) {
	t.Helper()
	require.Eventually(t, func() bool {
		rows := file{cfg}.Query(t, "SELECT p.name FROM sessionlog_partitions AS p JOIN sqlite_schema AS i ON i.tbl_name = p.name AND i.type = 'index' AND i.name NOT LIKE '%session_key' GROUP BY 1 HAVING count(*) <> 6")
		return len(rows.Cells) == 0
	}, 10*time.Second, 5*time.Millisecond)
}

func TestPartitionsOpenAndClose(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	events := dated(time.Unix(1_790_000_000, 0), 1000, "a")
	require.Equal(t, backend.Result{Written: 1000}, writeAll(t, s, events))
	ranges := requireRanges(t, cfg)
	require.InDelta(t, 9, len(ranges), 2)
	for _, p := range ranges {
		require.LessOrEqual(t, p.rows, int64(smallRows+30), p.table)
	}
	arrivals := file{cfg}.Query(t, "SELECT arrival, record_id FROM session_events ORDER BY time").Cells
	require.True(t, slices.IsSortedFunc(arrivals, func(a, b []string) int { return toInt(a[0]) - toInt(b[0]) }), "the order of arrival, over all partitions")
	requireIndexed(t, cfg)

	require.Equal(t, backend.Result{Duplicates: 1000}, writeAll(t, s, events), "across all borders")
	for _, e := range events {
		e.User = "forged"
	}
	require.Equal(t, backend.Result{Conflicts: 1000}, writeAll(t, s, events))
	stop(t, s)
	s = startSmall(t, cfg, 64)
	require.Equal(t, backend.Result{Conflicts: 1000}, writeAll(t, s, events), "after a restart")
	require.Equal(t, backend.Result{Written: 300}, writeAll(t, s, dated(time.Unix(1_790_001_000, 0), 300, "b")))
	stop(t, s)
	require.Greater(t, len(requireRanges(t, cfg)), len(ranges))
	requireSound(t, cfg)
}

func toInt(s string) int { n, _ := strconv.Atoi(s); return n }

// TestOlderHistory comes after the present, rows of two sources are mixed, late ones come, some from the far future and from 1970, and ids that begin with no
// time. Nothing grows for ever, and nothing is there twice.
func TestOlderHistory(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	year := now.AddDate(-1, 0, 0)
	shuffled := dated(now, 600, "shuffled")
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	withStrays := dated(now, 600, "present")
	for i := range withStrays {
		if i%20 == 7 {
			stray := dated(time.Date(2099, 1, 1+i, 0, 0, 0, 0, time.UTC), 1, "future"+strconv.Itoa(i))[0]
			withStrays = append(withStrays, stray, dated(time.Unix(int64(i), 0), 1, "past"+strconv.Itoa(i))[0])
			withStrays[i], withStrays[len(withStrays)-2] = withStrays[len(withStrays)-2], withStrays[i]
		}
	}
	wrongClock := slices.Concat(dated(now, 60, "before"), dated(now.AddDate(73, 0, 0), 400, "wrong"), dated(now.Add(time.Minute), 600, "after"))
	randomIDs := dated(now, 600, "uuidv4")
	for _, e := range randomIDs {
		e.RecordID[6] = e.RecordID[6]&0x0f | 0x40
		for i := range 6 {
			e.RecordID[i] = byte(random.Uint32())
		}
	}
	for name, events := range map[string][]*session.Event{
		"ascending":             dated(now, 600, "a"),
		"older history":         slices.Concat(dated(now, 50, "present"), dated(year, 600, "history")),
		"older history, closed": slices.Concat(dated(now, 500, "present"), dated(year, 600, "history"), dated(now.Add(time.Hour), 500, "again")),
		"three histories":       slices.Concat(dated(now, 600, "a"), dated(now, 600, "b"), dated(now, 600, "c")),
		"descending":            reversed(dated(now, 600, "a")),
		"shuffled":              shuffled,
		"strays":                withStrays,
		"wrong clock":           wrongClock,
		"ids without a time":    randomIDs,
		"one moment":            sameMoment(dated(now, 600, "a")),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t)
			s := startSmall(t, cfg, 64)
			require.Equal(t, backend.Result{Written: len(events)}, writeAll(t, s, events))
			time.Sleep(100 * time.Millisecond) // what is being set apart
			more := dated(now.Add(24*time.Hour), 300, "more")
			require.Equal(t, backend.Result{Written: 300}, writeAll(t, s, more))
			require.Equal(t, backend.Result{Duplicates: len(events) + 300}, writeAll(t, s, append(slices.Clone(events), more...)))
			ranges := requireRanges(t, cfg)
			stop(t, s)
			requireSound(t, cfg)
			last := s.limits.rows
			if name == "one moment" {
				require.LessOrEqual(t, len(ranges), 10)
				return
			}
			for _, p := range ranges {
				require.LessOrEqual(t, p.rows, 4*last, "%s of %v", p.table, sizes(ranges))
			}
			if name == "ids without a time" {
				require.Equal(t, [][]string{{"600"}}, file{cfg}.Query(t, "SELECT count(*) FROM session_events_other").Cells)
			}
		})
	}
}

func sizes(ranges []*rangePartition) (all []string) {
	for _, p := range ranges {
		all = append(all, fmt.Sprintf("%d:%d", p.low, p.rows))
	}
	return all
}

func reversed(events []*session.Event) []*session.Event {
	slices.Reverse(events)
	return events
}

// sameMoment gives all events one time: no border can be put between them.
func sameMoment(events []*session.Event) []*session.Event {
	var h session.Hasher
	for i, e := range events {
		e.Time = events[0].Time
		h.Start("moment", "test", "").Int(int64(i))
		e.RecordID = h.RecordID(e.Time)
	}
	return events
}

// TestTimeOfID: an id begins with a time or does not; its record's time has no say.
func TestTimeOfID(t *testing.T) {
	var h session.Hasher
	h.Start("x", "test", "")
	moment := time.Date(2026, 11, 29, 1, 2, 3, 4_000_000, time.UTC)
	ms, ok := timeOfID(h.RecordID(moment.UnixNano()))
	require.True(t, ok)
	require.Equal(t, moment.UnixMilli(), ms)
	ms, ok = timeOfID(h.RecordID(-5))
	require.True(t, ok)
	require.Zero(t, ms)
	v7 := session.ID{0x01, 0x99, 0, 0, 0, 0, 0x70, 0, 0x80}
	_, ok = timeOfID(v7)
	require.True(t, ok)
	for _, id := range []session.ID{
		{0x01, 0x99, 0, 0, 0, 0, 0x40, 0, 0x80}, // UUIDv4
		{0x01, 0x99, 0, 0, 0, 0, 0x80, 0, 0x00}, // no UUID
		{0xf1, 0x99, 0, 0, 0, 0, 0x80, 0, 0x80}, // a hash
		{0x03, 0xbb, 0x2c, 0xc3, 0xd8, 0, 0x80, 0, 0x80},
	} {
		_, ok = timeOfID(id)
		require.False(t, ok, id)
	}
}

// TestMerge: there are never more tables than allowed, and the small ones become one, while somebody reads.
func TestMerge(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 8)
	stopReading, read := make(chan struct{}), make(chan error, 1)
	go func() { read <- readWhile(cfg.Path, stopReading) }()
	events := dated(time.Unix(1_790_000_000, 0), 3000, "a")
	for part := range slices.Chunk(events, 100) {
		require.Equal(t, backend.Result{Written: 100}, writeAll(t, s, part))
		require.LessOrEqual(t, len(requireRanges(t, cfg)), 8)
		time.Sleep(5 * time.Millisecond)
	}
	require.Eventually(t, func() bool { return len(requireRanges(t, cfg)) <= 6 }, 10*time.Second, 10*time.Millisecond)
	close(stopReading)
	require.NoError(t, <-read)
	require.Equal(t, backend.Result{Duplicates: 3000}, writeAll(t, s, events))
	stop(t, s)
	requireRanges(t, cfg)
	requireSound(t, cfg)
}

// TestMergeInSlices: a merge of more rows than one transaction moves is stopped in the middle, and every record is in its table.
func TestMergeInSlices(t *testing.T) {
	for _, upperIsSmaller := range []bool{true, false} {
		cfg := testConfig(t)
		s := newStore(t, cfg)
		s.limits, s.tendEvery = partitionLimits{rows: 2*sliceRows + 500, tables: 64}, time.Hour
		require.NoError(t, s.Start(t.Context()))
		n := 5 * sliceRows
		for from := 0; from < n; from += 500 {
			_, err := s.Write(t.Context(), typical(from, from+500))
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, len(requireRanges(t, cfg)), 2)
		stop(t, s)
		w := &groupWriter{eventStore: newStore(t, cfg), conditions: nil, moveTimer: time.NewTimer(time.Hour)}
		conn, err := cfg.openDurableConn(t.Context())
		require.NoError(t, err)
		w.conn = conn
		require.NoError(t, w.reloadPartitions())
		lower, upper := w.partitions.ranges[0].table, w.partitions.ranges[1].table
		m := &rangeMove{from: lower, into: upper, merges: true}
		if upperIsSmaller {
			m = &rangeMove{from: upper, into: lower, merges: true}
		}
		slices := 0
		for done := false; !done; slices++ {
			require.NoError(t, cfg.inTransaction(t.Context(), conn, "", func() error { done, err = w.moveBorder(m); return err }))
			require.NoError(t, w.reloadPartitions())
			requireRanges(t, cfg)
		}
		require.Greater(t, slices, 2)
		require.NoError(t, conn.Close())
		require.Equal(t, n, stored(t, cfg))
		requireSound(t, cfg)
	}
}

// TestTwoExportersOnOneFile write the same table: each sees the partitions that the other opens, and no place in the order of arrival is taken twice.
func TestTwoExportersOnOneFile(t *testing.T) {
	cfg := testConfig(t)
	one := startSmall(t, cfg, 8)
	two := startSmall(t, cfg, 8)
	a, b := dated(time.Unix(1_790_000_000, 0), 900, "a"), dated(time.Unix(1_790_000_000, 0), 900, "b")
	done := make(chan backend.Result, 1)
	go func() { done <- writeAll(t, two, b) }()
	require.Equal(t, backend.Result{Written: 900}, writeAll(t, one, a))
	require.Equal(t, backend.Result{Written: 900}, <-done)
	require.Equal(t, backend.Result{Duplicates: 1800}, writeAll(t, one, slices.Concat(a, b)))
	require.Equal(t, backend.Result{Duplicates: 1800}, writeAll(t, two, slices.Concat(a, b)))
	stop(t, one)
	stop(t, two)
	require.Len(t, readAll(t, cfg), 1800)
	requireRanges(t, cfg)
	requireSound(t, cfg)
}

// TestExpiredPartitionsAreDropped, and said so; records from the future keep theirs, and a restart changes nothing.
func TestExpiredPartitionsAreDropped(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	events := dated(now.Add(-1000*time.Second), 1000, "a")
	events = append(events, dated(now.AddDate(70, 0, 0), 1, "future")...)
	writeAll(t, s, events)
	before := len(requireRanges(t, cfg))
	stop(t, s)

	core, logs := observer.New(zapcore.InfoLevel)
	cfg.TTL, cfg.TTLConfirm = time.Hour, true
	s = newStore(t, cfg)
	s.limits, s.tendEvery, s.log = partitionLimits{rows: smallRows, tables: 64}, 2*time.Millisecond, zap.New(core)
	s.now = func() time.Time { return now.Add(time.Hour - 450*time.Second) } // 550 have expired
	reader := metrictest.NewReader(t)
	var err error
	s.deleted, err = reader.MeterProvider.Meter("test").Int64Counter("deleted")
	require.NoError(t, err)
	require.NoError(t, s.Start(t.Context()))
	require.Eventually(t, func() bool { return stored(t, cfg) == 451 }, 10*time.Second, 5*time.Millisecond)
	stop(t, s)
	dropped := logs.FilterMessageSnippet("a partition was dropped").All()
	require.GreaterOrEqual(t, len(dropped), 4)
	require.LessOrEqual(t, len(requireRanges(t, cfg)), before-4)
	records := int64(0)
	for _, d := range dropped {
		records += d.ContextMap()["records"].(int64)
	}
	require.LessOrEqual(t, records, int64(550))
	require.Equal(t, int64(550), reader.Total(t, "deleted"))

	ranUntil(t, cfg, now.Add(2*time.Hour))
	s = newStore(t, cfg)
	s.limits = partitionLimits{rows: smallRows, tables: 64}
	s.now = func() time.Time { return now.Add(2 * time.Hour) }
	require.NoError(t, s.Start(t.Context()))
	require.Eventually(t, func() bool { return stored(t, cfg) == 1 }, 10*time.Second, 5*time.Millisecond, "the one from the future")
	require.Equal(t, backend.Result{Written: 200}, writeAll(t, s, dated(now.Add(2*time.Hour), 200, "b")))
	stop(t, s)
	requireRanges(t, cfg)
	requireSound(t, cfg)
}

// TestTenthOfTTL: a partition ends with a tenth of ttl, however few rows it has, so that it can be dropped soon after they have expired.
func TestTenthOfTTL(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	cfg := testConfig(t)
	cfg.TTL = 1000 * time.Hour
	s := newStore(t, cfg)
	s.now = func() time.Time { return now }
	require.NoError(t, s.Start(t.Context()))
	events := dated(now.Add(-900*time.Hour), 900, "a")
	for i, e := range events { // an hour apart
		e.Time = now.Add(time.Duration(i-900) * time.Hour).UnixNano()
		var h session.Hasher
		e.RecordID = h.Start("hourly", "test", "").Int(int64(i)).RecordID(e.Time)
	}
	require.Equal(t, backend.Result{Written: 900}, writeAll(t, s, events))
	stop(t, s)
	require.InDelta(t, 8, len(requireRanges(t, cfg)), 2)
}

// TestDeleteThroughTheView, as whoever erases a person does, removes rows of every partition.
func TestDeleteThroughTheView(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 700, "a"))
	run(t, cfg, "DELETE FROM session_events WHERE user_name = 'u3'")
	require.Equal(t, [][]string{{"600", "0"}}, file{cfg}.Query(t, "SELECT count(*), coalesce(sum(user_name = 'u3'), 0) FROM session_events").Cells)
	require.Equal(t, backend.Result{Written: 300}, writeAll(t, s, dated(time.Unix(1_790_001_000, 0), 300, "b")), "and writing goes on")
	stop(t, s)
	requireRanges(t, cfg)
}

// TestIndexOfOnesOwn on the table that is the template comes to every partition.
func TestIndexOfOnesOwn(t *testing.T) {
	cfg := testConfig(t)
	cfg.TablePrefix = "eu_"
	s := startSmall(t, cfg, 64)
	run(t, cfg, "CREATE INDEX my_session_key ON eu_session_events_other (session_key) WHERE session_key IS NOT NULL")
	writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 500, "a"))
	require.Eventually(t, func() bool {
		return len(file{cfg}.Query(t, "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name LIKE '%my_session_key'").Cells) == len(requireRanges(t, cfg))+1
	}, 10*time.Second, 5*time.Millisecond)
	stop(t, s)
}

// TestOwnChangesAreNoDamage: what the writer does between the commits of callers is not taken for somebody else's touch, after which it would read the whole
// file and open it again.
func TestOwnChangesAreNoDamage(t *testing.T) {
	cfg := testConfig(t)
	cfg.TTL, cfg.TTLConfirm = time.Hour, true
	s := newStore(t, cfg)
	s.limits, s.tendEvery, s.now = partitionLimits{rows: 500, tables: 8}, 2*time.Millisecond, clockAt(2000)
	s.extra = []string{"PRAGMA wal_autocheckpoint = 1", "CREATE TABLE IF NOT EXISTS opened (x)", "INSERT INTO opened VALUES (1)"}
	require.NoError(t, s.Start(t.Context()))
	for n := range 50 {
		_, err := s.Write(t.Context(), typical(2000+100*n, 2000+100*n+100))
		require.NoError(t, err)
		time.Sleep(2 * time.Millisecond)
	}
	stop(t, s)
	require.Equal(t, [][]string{{"1"}}, file{cfg}.Query(t, "SELECT count(*) FROM opened").Cells)
}

// manyPartitions is a file with this many of them.
func manyPartitions(t testing.TB, n int) Config {
	t.Helper()
	cfg := testConfig(t)
	s := newStore(t, cfg)
	s.limits, s.tendEvery = partitionLimits{rows: smallRows, tables: 10 * n}, 2*time.Millisecond
	require.NoError(t, s.Start(t.Context()))
	for from := 0; len(requireTables(t, cfg)) < n; from += smallRows {
		_, err := s.Write(t.Context(), typical(from, from+smallRows))
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { // a newest partition that is full is still to be closed, by another one without indexes
		newest := file{cfg}.queryTB(t, "SELECT name FROM sessionlog_partitions ORDER BY low DESC LIMIT 1")[0][0]
		return len(file{cfg}.queryTB(t, fmt.Sprintf("SELECT 1 FROM %s LIMIT 1 OFFSET %d", newest, smallRows-1))) == 0 &&
			len(file{cfg}.queryTB(t, "SELECT p.name FROM sessionlog_partitions AS p JOIN sqlite_schema AS i ON i.tbl_name = p.name AND i.type = 'index' AND i.name NOT LIKE '%session_key' GROUP BY 1 HAVING count(*) <> 6")) == 0
	}, 10*time.Second, 5*time.Millisecond)
	require.NoError(t, s.Shutdown(context.Background()))
	return cfg
}

func requireTables(t testing.TB, cfg Config) [][]string {
	return file{cfg}.queryTB(t, "SELECT name FROM sessionlog_partitions")
}

func (f file) queryTB(t testing.TB, sql string) (rows [][]string) {
	t.Helper()
	conn, err := sqlite.OpenConn(f.cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		row := make([]string, stmt.ColumnCount())
		for c := range row {
			row[c] = stmt.ColumnText(c)
		}
		rows = append(rows, row)
		return nil
	}}))
	return rows
}

// TestPlans: over forty partitions, each question goes by the index that is for it, in every partition, and sorts nothing that an index has in order.
func TestPlans(t *testing.T) {
	cfg := manyPartitions(t, 40)
	for question, want := range map[string]struct {
		index string
		sorts bool
	}{
		"SELECT * FROM session_events WHERE record_id = x'00'":                                                                                                                        {"_by_record_id", false},
		"SELECT * FROM session_events WHERE user_name = 'alice' ORDER BY time DESC LIMIT 100":                                                                                         {"_by_user_name", false},
		"SELECT time, kind, outcome, system, user_name FROM session_events WHERE client_address = '203.0.113.42' ORDER BY time":                                                       {"_by_client_address", false},
		"SELECT * FROM session_events WHERE outcome = 'failure' ORDER BY time DESC LIMIT 20":                                                                                          {"_by_failure_time", false},
		"SELECT * FROM session_events ORDER BY time DESC LIMIT 20":                                                                                                                    {"_by_time", false},
		"SELECT * FROM session_events WHERE trace_id = x'00'":                                                                                                                         {"_by_trace_id", false},
		"SELECT time, event_time, system, user, client_address, failure_reason FROM session_log WHERE type = 'LoginFailure' AND outcome = 'failure' ORDER BY time DESC LIMIT 20":      {"_by_failure_time", false},
		"SELECT time, event_time FROM session_log WHERE user = 'alice' ORDER BY time DESC LIMIT 20":                                                                                   {"_by_user_name", false},
		"SELECT * FROM session_log WHERE time > 1790000000000000000 ORDER BY time":                                                                                                    {"_by_time", false},
		"SELECT client_address, count(*) FROM session_events WHERE outcome = 'failure' AND time > 1790000000000000000 GROUP BY 1":                                                     {"_by_failure_time", true},
		"SELECT count(*) FROM session_events AS e WHERE e.time > 1790000000000000000 AND EXISTS (SELECT 1 FROM session_events AS f WHERE f.record_id = e.record_id AND f.kind = 'x')": {"_by_time", false},
	} {
		t.Run(question, func(t *testing.T) {
			served := 0
			for _, step := range (file{cfg}).Query(t, "EXPLAIN QUERY PLAN "+question).Cells {
				detail := step[3]
				if strings.HasPrefix(detail, "SCAN session_events_") {
					require.Contains(t, detail, want.index, "walks a table")
				}
				if strings.Contains(detail, want.index) {
					served++
				}
				if !want.sorts {
					require.NotContains(t, detail, "TEMP B-TREE")
				}
			}
			require.GreaterOrEqual(t, served, 40)
		})
	}
}

// TestSessionByItsKeyAlone: every closed partition gets an index on session keys, and is asked by it; the one that grows has none.
func TestSessionByItsKeyAlone(t *testing.T) {
	cfg := manyPartitions(t, 8)
	s := startSmall(t, cfg, 80)
	const has = " EXISTS (SELECT 1 FROM sqlite_schema AS i WHERE i.tbl_name = p.name AND i.name = p.name || '_by_session_key')"
	const isClosed = "low < (SELECT max(low) FROM sessionlog_partitions)"
	require.Eventually(t, func() bool {
		return len(file{cfg}.queryTB(t, "SELECT 1 FROM sessionlog_partitions AS p WHERE "+isClosed+" AND NOT"+has)) == 0
	}, 10*time.Second, 5*time.Millisecond)
	require.Empty(t, file{cfg}.queryTB(t, "SELECT name FROM sessionlog_partitions AS p WHERE NOT coalesce("+isClosed+", false) AND"+has))
	var wanted session.Event
	sessiontest.Typical(&wanted, 10)
	store, err := OpenQueryStore(t.Context(), cfg)
	require.NoError(t, err)
	found, covered, err := query.Session(t.Context(), store, wanted.SessionKey, query.Limits{})
	require.NoError(t, err)
	require.True(t, covered.Complete)
	require.Contains(t, recordIDs(found), wanted.RecordID)
	require.NoError(t, store.Close())
	served := 0
	for _, step := range (file{cfg}).Query(t, "EXPLAIN QUERY PLAN "+covered.SQL[0]).Cells {
		require.NotContains(t, step[3], "SCAN session_events_")
		if strings.Contains(step[3], "_by_session_key (session_key=?)") {
			served++
		}
	}
	require.GreaterOrEqual(t, served, 6)
	stop(t, s)
}

func recordIDs(events []session.Event) (ids []session.ID) {
	for i := range events {
		ids = append(ids, events[i].RecordID)
	}
	return ids
}

// BenchmarkPrepare is what a question costs before it begins, over as many partitions as there may be.
func BenchmarkPrepare(b *testing.B) {
	cfg := manyPartitions(b, 64)
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(b, err)
	defer conn.Close()
	for name, sql := range map[string]string{
		"events":   "SELECT * FROM session_events WHERE user_name = 'alice' ORDER BY time DESC LIMIT 100",
		"log":      "SELECT * FROM session_log WHERE user = 'alice' ORDER BY time DESC LIMIT 100",
		"sessions": "SELECT * FROM sessions WHERE state = 'open'",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				stmt, _, err := conn.PrepareTransient(sql)
				require.NoError(b, err)
				require.NoError(b, stmt.Finalize())
			}
		})
	}
}
