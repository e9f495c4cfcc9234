package sqlite

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestConstraintsOfSomebodyElse: what an index or a trigger that somebody has put on the tables refuses is told one by one, for the dead letter; its neighbours are
// written, and all of it when the obstacle is gone.
func TestConstraintsOfSomebodyElse(t *testing.T) {
	for obstacle, remove := range map[string]string{
		"CREATE UNIQUE INDEX mine ON session_events_1 (user_name)":                                                                                        "DROP INDEX mine",
		"CREATE TRIGGER mine BEFORE INSERT ON session_events_1 WHEN NEW.user_name = 'u3' BEGIN SELECT RAISE(ABORT, 'no'); END":                            "DROP TRIGGER mine",
		"CREATE TRIGGER mine BEFORE INSERT ON session_events_1 WHEN NEW.user_name = 'u3' BEGIN SELECT RAISE(FAIL, 'no'); END":                             "DROP TRIGGER mine",
		"CREATE TRIGGER mine BEFORE INSERT ON session_events_1 WHEN NEW.user_name = 'u3' BEGIN SELECT RAISE(IGNORE); END":                                 "DROP TRIGGER mine",
		"CREATE TABLE users (name PRIMARY KEY); CREATE TRIGGER mine AFTER INSERT ON session_events_1 BEGIN INSERT INTO users VALUES (NEW.user_name); END": "DROP TRIGGER mine",
	} {
		t.Run(obstacle, func(t *testing.T) {
			cfg := testConfig(t)
			s := startStore(t, cfg)
			byHand(t, cfg, obstacle)
			events := dated(time.Unix(1_790_000_000, 0), 30, "a") // of seven users
			var rejected []*session.Event
			res, err := s.Write(t.Context(), seq(events...))
			require.NoError(t, err)
			for _, r := range res.Rejected {
				require.Equal(t, refusedByOthers, r.Reason)
				rejected = append(rejected, events[r.Index])
			}
			require.NotEmpty(t, rejected)
			require.Equal(t, 30, res.Written+len(rejected))
			byHand(t, cfg, remove)
			res, err = s.Write(t.Context(), seq(rejected...))
			require.NoError(t, err)
			require.Equal(t, backend.Result{Written: len(rejected)}, res)
			require.Len(t, readAll(t, cfg), 30)
			requireRanges(t, cfg)
		})
	}
}

// TestATriggerThatRollsBack delays: nothing is confirmed, and nothing is lost.
func TestATriggerThatRollsBack(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	byHand(t, cfg, "CREATE TRIGGER mine BEFORE INSERT ON session_events_1 BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
	_, err := s.Write(t.Context(), seq(dated(time.Unix(1_790_000_000, 0), 3, "a")...))
	require.ErrorContains(t, err, "writing")
	byHand(t, cfg, "DROP TRIGGER mine")
	require.Equal(t, backend.Result{Written: 3}, writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 3, "a")))
}

// TestATriggerMayNotLoseWhatIsMoved: a trigger that leaves rows out where records are moved to, or keeps them where they were, ends the move.
func TestATriggerMayNotLoseWhatIsMoved(t *testing.T) {
	for _, obstacle := range []string{
		"CREATE TRIGGER mine BEFORE INSERT ON session_events_1 BEGIN SELECT RAISE(IGNORE); END",
		"CREATE TRIGGER mine BEFORE DELETE ON session_events_2 WHEN OLD.user_name = 'u3' BEGIN SELECT RAISE(IGNORE); END",
		"CREATE UNIQUE INDEX mine ON session_events_1 (instance, time); UPDATE session_events_1 SET time = (SELECT min(time) FROM session_events_2) WHERE time = (SELECT max(time) FROM session_events_1)",
	} {
		cfg := testConfig(t)
		s := startSmall(t, cfg, 64)
		writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 300, "a"))
		stop(t, s)
		byHand(t, cfg, obstacle)
		w := connectedWriter(t, cfg)
		w.move = &rangeMove{from: "session_events_2", into: "session_events_1", merges: true}
		_, err := w.moveSlice()
		require.ErrorContains(t, err, "moving records from session_events_2 to session_events_1")
		require.Len(t, readAll(t, cfg), 300)
		requireRanges(t, cfg)
	}
}

// TestAnIndexThatCannotBeMade, since somebody wants it to be unique, is in the way neither of merges nor of other partitions.
func TestAnIndexThatCannotBeMade(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	require.Equal(t, backend.Result{Written: 500}, writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 500, "a")))
	requireIndexed(t, cfg)
	stop(t, s)
	byHand(t, cfg, "CREATE UNIQUE INDEX mine ON session_events_other (user_name); CREATE INDEX other ON session_events_other (session_key)")
	w := connectedWriter(t, cfg)
	w.limits.tables = 1
	w.tendWhileQuiet()
	require.NotNil(t, w.move, "partitions are merged")
	tables := len(w.partitions.each())
	require.Equal(t, [][]string{{strconv.Itoa(tables)}}, file{cfg}.Query(t, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%other' AND type = 'index'").Cells)
}

// TestAMoveThatOthersOvertook: a border that another program has passed meanwhile is not put up.
func TestAMoveThatOthersOvertook(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 64)
	writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 500, "a"))
	stop(t, s)
	ranges := requireRanges(t, cfg)
	from, into := ranges[1], ranges[2]
	w := connectedWriter(t, cfg)
	for _, border := range []int64{0, from.low - 1, from.low, into.low, into.low + 1} {
		w.move = &rangeMove{from: from.table, into: into.table, border: border}
		more, err := w.moveSlice()
		require.NoError(t, err)
		require.False(t, more)
		for i, p := range requireRanges(t, cfg) {
			require.Equal(t, ranges[i].low, p.low, "border %d", border)
		}
	}
}

// TestRowsOfOneMomentAreNotMerged when they are too many for one transaction.
func TestRowsOfOneMomentAreNotMerged(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	moment := sameMoment(dated(time.Unix(1_790_000_000, 0), sliceRows+1, "a"))
	_, err := s.Write(t.Context(), seq(moment...))
	require.NoError(t, err)
	stop(t, s)
	w := connectedWriter(t, cfg)
	require.NoError(t, w.openAbove(w.partitions.ranges[0], 1_790_000_000_001))
	require.NoError(t, w.openAbove(w.partitions.ranges[1], 1_790_000_000_002))
	w.limits = partitionLimits{rows: smallRows, tables: 1}
	lower, upper := w.partitions.ranges[0], w.partitions.ranges[1]
	for _, m := range []*rangeMove{{from: lower.table, into: upper.table, merges: true}, {from: lower.table, into: upper.table, border: 1_789_999_999_999}} {
		w.move = m
		more, err := w.moveSlice()
		require.NoError(t, err)
		require.False(t, more)
		require.True(t, w.partitions.ranges[0].crowded)
		require.Equal(t, [][]string{{"0"}}, file{cfg}.Query(t, "SELECT count(*) FROM "+upper.table).Cells)
		requireRanges(t, cfg)
	}
	require.NoError(t, w.mergeIfMany())
	require.Equal(t, &rangeMove{from: upper.table, into: lower.table, merges: true}, w.move, "the other way it goes")
}

// queryCounter counts the queries that are prepared.
type queryCounter int

func (n *queryCounter) Authorize(action sqlite.Action) sqlite.AuthResult {
	if action.Type() == sqlite.OpSelect {
		*n++
	}
	return sqlite.AuthResultOK
}

// TestWhatCannotBeSplitIsLeftAlone until it has grown: its rows are not counted with every commit.
func TestWhatCannotBeSplitIsLeftAlone(t *testing.T) {
	cfg := testConfig(t)
	s := startSmall(t, cfg, 1) // one table, and it is there
	writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 90, "a"))
	writeAll(t, s, dated(time.Unix(1_790_000_000, 0).Add(100*time.Hour), 60, "b")) // more than a tenth of ttl
	stop(t, s)
	for ttl, rows := range map[time.Duration]int64{0: smallRows, 100 * time.Hour: 1000} { // by its rows, by its time
		w := connectedWriter(t, cfg)
		w.ttl, w.limits = ttl, partitionLimits{rows: rows, tables: 1}
		p := w.partitions.ranges[0]
		p.inserted.add(time.Unix(1_790_000_000, 0).Add(100 * time.Hour).UnixMilli())
		var queries queryCounter
		require.NoError(t, w.conn.SetAuthorizer(&queries))
		require.NoError(t, w.closeIfFull(p))
		require.Positive(t, queries)
		queries = 0
		for range 10 {
			p.grow()
			require.NoError(t, w.closeIfFull(p))
		}
		require.Zero(t, queries)
		p.rows += 30
		require.NoError(t, w.closeIfFull(p))
		require.Positive(t, queries)
		require.NoError(t, w.conn.SetAuthorizer(nil))
	}
}
