package clickhouse

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// TestStore runs all that one server can serve: each test has a database of its own.
func TestStore(t *testing.T) {
	t.Parallel()
	server := testengine.ClickHouse(t, testengine.LogsOnDemand(), grafanaMay(t))
	for _, c := range []struct {
		name string
		test func(*testing.T, *testengine.Server)
	}{
		{"Seals", sealed},
		{"ManyBlocks", manyBlocks},
		{"SameEnds", sameEnds},
		{"TwoCollectors", twoCollectors},
		{"RacedForgery", racedForgery},
		{"DiedBeforeDerivedTables", diedBeforeDerivedTables},
		{"ForeignIDs", foreignIDs},
		{"TimeToLive", timeToLive},
		{"TTLWaits", ttlWaits},
		{"WrongClock", wrongClock},
		{"CheckConnection", checkConnection},
		{"CannotKeepUp", cannotKeepUp},
		{"ShutdownInterrupts", shutdownInterrupts},
		{"AsyncInsert", asyncInsert},
		{"Starts", starts},
		{"StartFails", startFails},
		{"PlaintextPassword", plaintextPassword},
		{"ForgetfulDatabase", forgetfulDatabase},
		{"NothingOfClusters", nothingOfClusters},
		{"SchemaByHand", schemaByHand},
		{"AddedColumn", addedColumn},
		{"NamesThatAreTaken", namesThatAreTaken},
		{"BeforeTheFirstRelease", beforeTheFirstRelease},
		{"Types", types},
		{"DocumentedQuery", documentedQuery},
		{"OpenSessions", openSessions},
		{"RedshiftWords", redshiftWords},
		{"Questions", questionsRun},
		{"Dashboards", dashboards},
		{"Erasure", erasure},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, server) })
	}
}

// manyBlocks writes more than two blocks at once, with more names than one byte and two bytes can number; then again, with as many
// new ones between them.
func manyBlocks(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	s := startStore(t, cfg)
	const n = 2*blockRows + 5000
	events := func(step int) func(func(int, *session.Event) bool) {
		return func(yield func(int, *session.Event) bool) {
			for i, e := range typical(0, n) {
				if e.ClientName = fmt.Sprint("client ", i); i%step == 0 && !yield(i, e) {
					return
				}
			}
		}
	}
	require.Equal(t, backend.Result{Written: (n + 1) / 2}, write1(t, s, events(2)))
	require.Equal(t, backend.Result{Written: n / 2, Duplicates: (n + 1) / 2}, write1(t, s, events(1)))
	require.Equal(t, fmt.Sprint(n), count(t, server, cfg, "SELECT count() FROM session_log"))
	require.Equal(t, fmt.Sprint(n), count(t, server, cfg, "SELECT uniqExact(client_name) FROM session_log"))
}

// twoCollectors write the same batches at the same time: whoever is first, each record is there once at once.
func twoCollectors(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	other := cfg
	other.Endpoints = []string{endpoint(server, "http")}
	stores := []*eventStore{startStore(t, cfg), startStore(t, other)}
	for from := 0; from < 2000; from += 500 {
		var wg sync.WaitGroup
		for _, s := range stores {
			wg.Go(func() {
				if res, err := s.Write(t.Context(), typical(from, from+500)); err != nil || res.Written+res.Duplicates != 500 {
					t.Errorf("%+v, %v", res, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, fmt.Sprint(from+500), count(t, server, cfg, "SELECT count() FROM session_log"))
	}
	require.Len(t, readAll(t, cfg), 2000)
}

// racedForgery puts a second version straight into the table, as another collector does that asked before the first was there.
func racedForgery(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	s := startStore(t, cfg)
	write1(t, s, typical(0, 10))
	l := &serverConn{eventStore: s, rows: newRowBlock()}
	defer l.closeConn()
	for _, e := range typical(0, 10) {
		e.User = "somebody else"
		e.Time += int64(40 * 24 * time.Hour)
		l.rows.appendRow(e, [16]byte{1})
	}
	require.NoError(t, l.insertBlocks(t.Context(), s.sql.insert, l.rows.all, func() error {
		l.rows.resetColumns()
		return io.EOF
	}))
	for _, c := range []struct{ sql, want string }{
		{"SELECT count() FROM session_log", "10"},
		{"SELECT count() FROM session_log WHERE user = 'somebody else'", "0"},
		{"SELECT count() FROM session_log WHERE user_name = 'somebody else'", "0"},
		{"SELECT count() FROM session_log WHERE time > (SELECT max(time) - INTERVAL 1 DAY FROM session_events)", "0"},
		{"SELECT count() FROM session_log WHERE user = 'alice'", "2"},
	} {
		require.Equal(t, c.want, count(t, server, cfg, c.sql), c.sql)
	}
	server.Exec(t, "OPTIMIZE TABLE "+cfg.Database+".session_events FINAL")
	require.Equal(t, "10", count(t, server, cfg, "SELECT count() FROM session_events"))
	require.Equal(t, "10", count(t, server, cfg, "SELECT count() FROM session_events WHERE user_name != 'somebody else'"), "the first one stays")
}

// requireDerived: the derived tables say what the events do.
func requireDerived(t *testing.T, server *testengine.Server, cfg Config) {
	t.Helper()
	for _, table := range derivedTables {
		query := strings.Replace(table.query, "FROM session_events\n", "FROM session_events FINAL\n", 1)
		want := rowsOf(t, server, cfg.Database, "SELECT * FROM ("+query+") ORDER BY ALL").Cells
		require.NotEmpty(t, want)
		merged := strings.NewReplacer("first_seen", "min(first_seen)", "last_seen", "max(last_seen)", "hours", "groupBitOr(hours)").Replace(strings.Join(table.columns, ", "))
		require.Equal(t, want, rowsOf(t, server, cfg.Database, "SELECT "+merged+" FROM "+table.name+" GROUP BY ALL ORDER BY ALL").Cells, table.name)
	}
}

// diedBeforeDerivedTables: a server that stored the records and died before the derived tables were told of them is told the batch again.
func diedBeforeDerivedTables(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "http")
	s := startStore(t, cfg)
	for _, table := range derivedTables {
		server.Exec(t, "DETACH TABLE "+cfg.Database+"."+table.name+"_by_events")
	}
	write1(t, s, typical(0, 100))
	for _, table := range derivedTables {
		server.Exec(t, "ATTACH TABLE "+cfg.Database+"."+table.name+"_by_events")
		require.Equal(t, "0", count(t, server, cfg, "SELECT count() FROM "+table.name))
	}
	for range 2 {
		require.Equal(t, backend.Result{Duplicates: 100}, write1(t, s, typical(0, 100)))
		requireDerived(t, server, cfg) // once, or once more
	}
	for _, e := range typical(2, 3) { // the first of its user from there, and not of its client
		require.NoError(t, s.EraseRecords(t.Context(), []session.ID{e.RecordID}, false))
	}
	requireDerived(t, server, cfg)
}

// foreignIDs need not begin with a time, and may lie about it.
func foreignIDs(t *testing.T, server *testengine.Server) {
	cfg := usedConfig(t, server, "native")
	s := startStore(t, cfg)
	var all []*session.Event
	for i := range 3000 {
		e := &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: int64(i)}
		var h session.Hasher
		e.RecordID = h.Start("any", "", "").Int(int64(i)).Key() // says that it begins with a time
		if i%2 == 0 {
			e.RecordID[6] = 0x40 // a UUIDv4
		}
		all = append(all, e)
	}
	require.Equal(t, 3000, write1(t, s, seq(all...)).Written)
	require.Equal(t, 3000, write1(t, s, seq(all...)).Duplicates)
	require.Equal(t, "3000", count(t, server, cfg, "SELECT count() FROM session_log"))
	require.Equal(t, "1500", count(t, server, cfg, "SELECT count() FROM session_events WHERE _partition_id = '0'"))
}

// timeToLive: what has expired is left out, so that telling it again does not bring it back, and the tables know when theirs go.
func timeToLive(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	cfg.TTL = 1000 * time.Hour
	s := startStore(t, cfg)
	at := func(n byte, age time.Duration) *session.Event {
		return &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, RecordID: session.ID{6: 0x80, 15: n}, Time: time.Now().Add(-age).UnixNano()}
	}
	require.Equal(t, backend.Result{Written: 1, Expired: 2}, write1(t, s, seq(at(1, 1001*time.Hour), at(2, 999*time.Hour), at(3, 9000*time.Hour))))
	ttls := func() string {
		return count(t, server, cfg, "SELECT countIf(engine_full LIKE '% TTL %') FROM system.tables WHERE database = currentDatabase()")
	}
	require.Equal(t, strconv.Itoa(agingTables), ttls())
	alters := "SELECT count() FROM system.query_log WHERE type = 'QueryStart' AND query_kind = 'Alter' AND current_database = '" + cfg.Database + "'"
	server.FlushLogs(t)
	before := count(t, server, cfg, alters)
	stopStore(t, startedStore(t, cfg))
	server.FlushLogs(t)
	require.Equal(t, before, count(t, server, cfg, alters), "what is as it should be is left alone")
	cfg.TTL = 0
	stopStore(t, startedStore(t, cfg))
	require.Equal(t, "0", ttls())
}

// cannotKeepUp: the server says that it is busy, and the exporter is told how long to wait.
func cannotKeepUp(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	s := startStore(t, cfg)
	server.Exec(t, "SYSTEM STOP MERGES "+cfg.Database+".session_events")
	server.Exec(t, "ALTER TABLE "+cfg.Database+".session_events MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1")
	write1(t, s, typical(0, 10))
	_, err := s.Write(t.Context(), typical(10, 20))
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorContains(t, err, "Throttle")
	server.Exec(t, "ALTER TABLE "+cfg.Database+".session_events RESET SETTING parts_to_delay_insert, parts_to_throw_insert")
	require.Equal(t, 10, write1(t, s, typical(10, 20)).Written)
}

// shutdownInterrupts a write that has no end.
func shutdownInterrupts(t *testing.T, server *testengine.Server) {
	s := startedStore(t, usedConfig(t, server, "native"))
	begun, done := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := s.Write(context.Background(), func(yield func(int, *session.Event) bool) {
			close(begun)
			<-s.pool.Context().Done()
			for i, e := range typical(0, 1000) {
				if !yield(i, e) {
					return
				}
			}
		})
		done <- err
	}()
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Shutdown(ctx), context.DeadlineExceeded)
	require.ErrorIs(t, <-done, ErrStopped)
}

// asyncInsert: what the server gathers is there when Write has returned, once.
func asyncInsert(t *testing.T, server *testengine.Server) {
	for _, protocol := range protocols {
		cfg := usedConfig(t, server, protocol)
		cfg.AsyncInsert = true
		s := startStore(t, cfg)
		require.Equal(t, backend.Result{Written: 10}, write1(t, s, typical(0, 10)))
		require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, write1(t, s, typical(0, 20)))
		require.Equal(t, "20", count(t, server, cfg, "SELECT count() FROM session_log"))
	}
}

// sameEnds asks for other ids between the same two: what the server remembers of the first answer must not decide the second.
func sameEnds(t *testing.T, server *testengine.Server) {
	s := startStore(t, usedConfig(t, server, "native"))
	at := func(numbers ...byte) func(func(int, *session.Event) bool) {
		var all []*session.Event
		for _, n := range numbers {
			all = append(all, &session.Event{Kind: session.KindLogin, RecordID: session.ID{6: 0x80, 15: n}, Time: 1})
		}
		return seq(all...)
	}
	require.Equal(t, backend.Result{Written: 1}, write1(t, s, at(3)))
	require.Equal(t, backend.Result{Written: 3}, write1(t, s, at(1, 5, 9)))
	require.Equal(t, backend.Result{Duplicates: 3}, write1(t, s, at(1, 5, 9)))
	require.Equal(t, backend.Result{Duplicates: 4}, write1(t, s, at(1, 3, 5, 9)))
	require.Equal(t, backend.Result{Written: 1, Duplicates: 3}, write1(t, s, at(1, 3, 7, 9)))
}
