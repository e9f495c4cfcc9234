package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
)

// onPrepare runs do once, when a statement is prepared that does what is asked for: another program commits at this moment.
type onPrepare struct {
	wanted sqlite.OpType
	do     func()
}

func (o *onPrepare) Authorize(action sqlite.Action) sqlite.AuthResult {
	if do := o.do; do != nil && action.Type() == o.wanted {
		o.do = nil
		do()
	}
	return sqlite.AuthResultOK
}

// connectedWriter is a writer that does nothing by itself.
func connectedWriter(t *testing.T, cfg Config) *groupWriter {
	t.Helper()
	w := &groupWriter{eventStore: newStore(t, cfg), moveTimer: time.NewTimer(time.Hour), ttl: cfg.TTL}
	w.conditions = conditionlog.New(w.log, w.now)
	w.guard = retention.NewGuard(w.log, func() time.Time { return w.now() }, w.elapsed)
	conn, err := cfg.openDurableConn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	w.conn = conn
	require.NoError(t, w.reloadPartitions())
	require.NoError(t, w.recordFileState())
	return w
}

// TestCatalogueReadWhileAnotherWrites: what another program commits between the reading of catalogue and version is seen by the next transaction.
func TestCatalogueReadWhileAnotherWrites(t *testing.T) {
	cfg := testConfig(t)
	other := startSmall(t, cfg, 64)
	writeAll(t, other, dated(time.Unix(1_790_000_000, 0), 30, "a"))
	w := connectedWriter(t, cfg)
	require.NoError(t, w.conn.SetAuthorizer(&onPrepare{sqlite.OpPragma, func() { writeAll(t, other, dated(time.Unix(1_790_000_000, 0), 500, "b")) }}))
	require.NoError(t, w.reloadPartitions())
	require.NoError(t, w.conn.SetAuthorizer(nil))
	stop(t, other)
	require.NoError(t, w.beginTransaction())
	require.Equal(t, int64(531), w.partitions.nextArrival)
	require.Len(t, w.partitions.ranges, len(requireRanges(t, cfg)))
	require.NoError(t, executeStatement(w.conn, "ROLLBACK"))
}

// TestAPartitionThatIsWrittenToIsNotDropped: a record comes from another program after all that the partition had was found to be expired.
func TestAPartitionThatIsWrittenToIsNotDropped(t *testing.T) {
	cfg := testConfig(t)
	other := startSmall(t, cfg, 64)
	writeAll(t, other, dated(time.Unix(1_790_000_000, 0), 500, "a"))
	border := time.UnixMilli(requireRanges(t, cfg)[1].low)
	cfg.TTL = time.Hour
	w := connectedWriter(t, cfg)
	w.now = func() time.Time { return border.Add(time.Hour - time.Millisecond/2) }
	late := dated(border.Add(-time.Millisecond/2), 1, "late")
	begin := &onPrepare{sqlite.OpTransaction, func() { require.Equal(t, backend.Result{Written: 1}, writeAll(t, other, late)) }}
	require.NoError(t, w.conn.SetAuthorizer(begin))
	dropped, err := (&expiryTimer{groupWriter: w}).dropExpired()
	require.NoError(t, err)
	require.NoError(t, w.conn.SetAuthorizer(nil))
	require.Nil(t, begin.do, "another program has written")
	require.False(t, dropped)
	require.Equal(t, backend.Result{Duplicates: 1}, writeAll(t, other, late))
	stop(t, other)
	requireRanges(t, cfg)
}

// byHand runs SQL as somebody does who has the file open.
func byHand(t *testing.T, cfg Config, sql string) {
	t.Helper()
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
	require.NoError(t, err)
	conn.SetBusyTimeout(5 * time.Second)
	require.NoError(t, sqlitex.ExecuteScript(conn, sql, nil))
	require.NoError(t, conn.Close())
}

// TestANameThatSomebodyHasTaken is left out.
func TestANameThatSomebodyHasTaken(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	byHand(t, cfg, "CREATE TABLE Session_Events_2 (mine)")
	require.Equal(t, backend.Result{Written: 500}, writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 500, "a")))
	stop(t, s)
	require.Greater(t, len(requireTables(t, cfg)), 4)
	require.Equal(t, [][]string{{"0"}}, file{cfg}.Query(t, "SELECT count(*) FROM Session_Events_2").Cells)
}

// TestAPartitionDroppedByHand stops the store with a message whose SQL lets it go on.
func TestAPartitionDroppedByHand(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	events := dated(time.Unix(1_790_000_000, 0), 500, "a")
	writeAll(t, s, events)
	lost := toInt(file{cfg}.Query(t, "SELECT count(*) FROM session_events_1").Cells[0][0])
	byHand(t, cfg, "DROP TABLE session_events_1")
	_, err := s.Write(t.Context(), seq(events[499]))
	const remedy = "DELETE FROM sessionlog_partitions WHERE name = 'session_events_1'; UPDATE sessionlog_partitions SET low = 0 WHERE low = (SELECT min(low) FROM sessionlog_partitions)"
	require.ErrorContains(t, err, remedy)
	require.ErrorIs(t, err, ErrDamaged)
	stop(t, s)
	s = newStore(t, cfg)
	require.ErrorContains(t, s.Start(context.Background()), remedy)
	stop(t, s)

	byHand(t, cfg, remedy)
	s = startSmall(t, cfg, 64)
	require.Equal(t, backend.Result{Written: lost, Duplicates: 500 - lost}, writeAll(t, s, events))
	stop(t, s)
	requireRanges(t, cfg)
	requireSound(t, cfg)
}

// TestEveryNameTakenIsRefused: somebody else's table is not touched, and the message names the keys that help.
func TestEveryNameTakenIsRefused(t *testing.T) {
	for _, name := range []string{"session_events", "session_events_1", "session_events_other", "session_conflicts", "sessionlog_partitions", "sessionlog_settings"} {
		cfg := testConfig(t)
		require.NoError(t, cfg.makeDatabaseFile(newStore(t, cfg).log))
		byHand(t, cfg, "CREATE TABLE "+name+" (mine)")
		s := newStore(t, cfg)
		require.ErrorContains(t, s.Start(context.Background()), name+": somebody else's table or view has a name that this program needs", name)
		stop(t, s)
	}
}
