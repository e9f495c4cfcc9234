package postgresql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

func nopLogger() *zap.Logger { return zap.NewNop() }

func started(t testing.TB, cfg Config) *eventStore {
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	return s
}

// serverRefusesRecords: constraints and triggers that somebody has put on the tables refuse records one by one.
func serverRefusesRecords(t *testing.T, pg *postgresql.Server) {
	for _, c := range []struct{ name, sql, reason string }{
		{"check", "ALTER TABLE session_events ADD CONSTRAINT no_mallory CHECK (user_name <> 'mallory')", "SQLSTATE 23514, constraint no_mallory"},
		{"trigger", `CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.user_name = 'mallory' THEN RAISE EXCEPTION 'not %', NEW.user_name; END IF; RETURN NEW; END $$;
			CREATE TRIGGER guard BEFORE INSERT ON session_events FOR EACH ROW EXECUTE FUNCTION guard()`, "SQLSTATE P0001"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(t, pg)
			s := startStore(t, cfg)
			rowsOfMany(t, cfg, c.sql)
			events := func(yield func(int, *session.Event) bool) {
				for i, e := range typical(0, 300) {
					if i == 7 || i == 150 || i == 299 {
						e.User = "mallory"
					}
					if !yield(i, e) {
						return
					}
				}
			}
			res := write1(t, s, events)
			require.Equal(t, 297, res.Written)
			require.Equal(t, []backend.Rejection{{Index: 7, Reason: refusal(c.reason)}, {Index: 150, Reason: refusal(c.reason)}, {Index: 299, Reason: refusal(c.reason)}}, res.Rejected)
			require.Len(t, readAll(t, cfg), 297)
			require.Equal(t, 297, write1(t, s, events).Duplicates, "told again")
		})
	}
}

func refusal(what string) string { return "the server refuses the record with " + what }

// anotherUniqueKey: a record that a key of somebody else's refuses is no duplicate.
func anotherUniqueKey(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	month := monthOfMillis(1_790_000_000_000).name
	write1(t, s, typical(0, 2))
	rowsOf(t, cfg, "CREATE UNIQUE INDEX one_user ON "+month+" (user_name) WHERE user_name = 'one'")
	one, two := at(time.Unix(1_790_000_000, 0), "one"), at(time.Unix(1_790_000_000, 0), "two")
	again := *one
	again.RecordID[15]++
	res := write1(t, s, seq(one, &again, two))
	require.Equal(t, 2, res.Written)
	require.Equal(t, []backend.Rejection{{Index: 1, Reason: refusal("SQLSTATE 23505, constraint one_user")}}, res.Rejected)
}

// hugeRecord: a record beyond 64 MiB is refused by name, its neighbours are written.
func hugeRecord(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	small, large, edge := sessiontest.Minimal(), sessiontest.Minimal(), sessiontest.Minimal()
	large.RecordID[15], edge.RecordID[15] = 2, 3
	large.Message = strings.Repeat("x", maxRecord)
	edge.Message = strings.Repeat("y", maxRecord-1000)
	res := write1(t, s, seq(small, large, edge))
	require.Equal(t, backend.Result{Written: 2, Rejected: []backend.Rejection{{Index: 1, Reason: tooLarge}}}, res)
	got := readAll(t, cfg)
	require.Len(t, got, 2)
	require.Equal(t, edge.Message, got[1].Message)
}

// haveSmallChunks lasts until the test ends.
func haveSmallChunks(t *testing.T) {
	t.Helper()
	usual := chunkSize
	chunkSize = 1 << 20
	t.Cleanup(func() { chunkSize = usual })
}

// hugeRefusal: a record that fills a chunk by itself, and that the server refuses, is refused alone, on both ways into the table.
func hugeRefusal(t *testing.T, pg *postgresql.Server) {
	haveSmallChunks(t)
	cfg := testConfig(t, pg)
	cfg.MaxConnections = 1
	s := startStore(t, cfg)
	known := at(time.Unix(1_790_000_000, 0), "known")
	write1(t, s, seq(known))
	huge := at(time.Unix(1_790_000_001, 0), "huge")
	huge.Extra = []session.Attr{{Key: "number", Type: session.AttrJSON, Value: "[" + strings.Repeat("1", chunkSize) + "]"}}
	without := at(time.Unix(1_790_000_002, 0), "without an id")
	without.RecordID = session.ID{}
	for i := range int64(2) { // the second time the last batch held a repetition
		after := at(time.Unix(1_790_000_010+i, 0), "after")
		res := write1(t, s, seq(huge, known, without, after))
		require.Equal(t, backend.Result{Written: 1, Duplicates: 1, Rejected: []backend.Rejection{
			{Index: 0, Reason: refusal("SQLSTATE 22003")}, {Index: 2, Reason: backend.RefusalReason(without)},
		}}, res)
	}
	require.Len(t, readAll(t, cfg), 3)
}

// manyChunks: a batch beyond one chunk goes through the staging table, whole or not at all.
func manyChunks(t *testing.T, pg *postgresql.Server) {
	haveSmallChunks(t)
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	var all []*session.Event
	for i := range 40 {
		e := at(time.Date(2025, 1, 1, 0, 0, i, 0, time.UTC), fmt.Sprint("user", i))
		e.Original = strings.Repeat("o", 1<<16)
		all = append(all, e)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Write(ctx, func(yield func(int, *session.Event) bool) {
		for i, e := range all {
			if i == 35 {
				cancel()
			}
			if !yield(i, e) {
				return
			}
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, readAll(t, cfg))
	require.Equal(t, backend.Result{Written: 40}, write1(t, s, seq(all...)))
	require.Equal(t, backend.Result{Duplicates: 40}, write1(t, s, seq(all...)))
}

// twoCollectors write overlapping histories into one table at the same time, in opposite orders.
func twoCollectors(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	const records, size = 3000, 250
	results := make(chan backend.Result, 2*records/size)
	done := make(chan struct{})
	for collector := range 2 {
		s := startStore(t, cfg)
		go func() {
			defer func() { done <- struct{}{} }()
			for n := 0; n < records; n += size {
				from := n
				if collector == 1 {
					from = records - size - n
				}
				res, err := s.Write(t.Context(), typical(from, from+size))
				if err != nil {
					t.Errorf("collector %d: %v", collector, err)
				}
				results <- res
			}
		}()
	}
	<-done
	<-done
	close(results)
	var total backend.Result
	for res := range results {
		total.Written += res.Written
		total.Duplicates += res.Duplicates
	}
	require.Equal(t, backend.Result{Written: records, Duplicates: records}, total)
	require.Len(t, readAll(t, cfg), records)
}

// TestServerDies: what was acknowledged survives kill -9 of the server; what was not is written when it is back.
func TestServerDies(t *testing.T) {
	pg := postgresql.Start(t)
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	acknowledged := 0
	for round := range 3 {
		for range 5 {
			acknowledged += write1(t, s, typical(acknowledged, acknowledged+500)).Written
		}
		pg.Kill(t)
		_, err := s.Write(t.Context(), typical(acknowledged, acknowledged+500))
		require.Error(t, err)
		require.False(t, consumererror.IsPermanent(err), "it is tried again: %v", err)
		pg.Restart(t)
		require.Len(t, readAll(t, cfg), acknowledged, "round %d", round)
		res := write1(t, s, typical(acknowledged, acknowledged+500))
		require.Equal(t, 500, res.Written+res.Duplicates)
		acknowledged += 500
	}
	require.Len(t, readAll(t, cfg), acknowledged)
}

// cancelledWhileLocked: a caller that leaves is let go at once though the server waits, and nothing was written.
func cancelledWhileLocked(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	s := startStore(t, cfg)
	write1(t, s, typical(0, 10))
	conn, err := s.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	require.NoError(t, execStatements(t.Context(), conn, "BEGIN; LOCK TABLE session_events IN ACCESS EXCLUSIVE MODE"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = s.Write(ctx, typical(10, 20))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begun), 10*time.Second)
	require.NoError(t, execStatements(t.Context(), conn, "COMMIT"))
	require.Equal(t, 10, write1(t, s, typical(10, 20)).Written)
}

// errorsHoldNoValue: an error that goes to a log does not quote a record.
func errorsHoldNoValue(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	s := startStore(t, cfg)
	rowsOfMany(t, cfg, `CREATE FUNCTION spill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		RAISE EXCEPTION 'so %', NEW.user_name USING ERRCODE = 'XX001'; END $$;
		CREATE TRIGGER spill BEFORE INSERT ON session_events FOR EACH ROW EXECUTE FUNCTION spill()`)
	e := at(time.Now(), "hunter2")
	_, err := s.Write(t.Context(), seq(e))
	require.ErrorContains(t, err, "XX001")
	require.NotContains(t, err.Error(), "hunter2")
}

func shutdownInterrupts(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	s := started(t, cfg)
	conn, err := s.openServerConn(t.Context())
	require.NoError(t, err)
	defer closeGracefully(conn)
	require.NoError(t, execStatements(t.Context(), conn, "BEGIN; LOCK TABLE session_events IN ACCESS EXCLUSIVE MODE"))
	failed := make(chan error, 1)
	began := make(chan struct{})
	go func() {
		_, err := s.Write(context.Background(), func(yield func(int, *session.Event) bool) {
			close(began)
			typical(0, 10)(yield)
		})
		failed <- err
	}()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.Error(t, s.Shutdown(ctx))
	require.True(t, errors.Is(<-failed, ErrStopped))
}

// rowsOfMany runs several statements.
func rowsOfMany(t testing.TB, cfg Config, sql string) {
	t.Helper()
	conn := handConns.take(t, cfg)
	defer handConns.keep(cfg, conn)
	require.NoError(t, execStatements(t.Context(), conn, sql))
}
