package sqlite

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestDiskFullWhileMerging: a merge that has no room changes nothing, and goes on when there is some.
func TestDiskFullWhileMerging(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	s.limits = partitionLimits{rows: 2*sliceRows + 500, tables: 64}
	require.NoError(t, s.Start(t.Context()))
	for from := 0; from < 4*sliceRows; from += 500 {
		_, err := s.Write(t.Context(), typical(from, from+500))
		require.NoError(t, err)
	}
	stop(t, s)
	ranges := requireRanges(t, cfg)
	w := connectedWriter(t, cfg)
	require.NoError(t, w.makeAllIndexes())
	pages, err := queryNumber(w.conn, "PRAGMA page_count")
	require.NoError(t, err)
	_, err = queryNumber(w.conn, "PRAGMA max_page_count = 1") // as many as there are
	require.NoError(t, err)
	merge := rangeMove{from: ranges[0].table, into: ranges[1].table, merges: true}
	for range 3 {
		w.move = &merge
		for more := true; more; {
			more, err = w.moveSlice()
		}
		requireFault(t, err, ErrFull, cfg)
		require.Equal(t, 4*sliceRows, stored(t, cfg))
		requireRanges(t, cfg)
	}
	_, err = queryNumber(w.conn, "PRAGMA max_page_count = 1000000")
	require.NoError(t, err)
	w.move = &merge
	for more := true; more; {
		more, err = w.moveSlice()
		require.NoError(t, err)
	}
	require.Len(t, requireRanges(t, cfg), len(ranges)-1)
	require.Equal(t, 4*sliceRows, stored(t, cfg))
	require.NoError(t, sqlitex.ExecuteTransient(w.conn, "PRAGMA wal_checkpoint(TRUNCATE)", nil))
	requireSound(t, cfg)
	after, err := queryNumber(w.conn, "PRAGMA page_count")
	require.NoError(t, err)
	require.Greater(t, after, pages, "it needed room")
}

// TestDamageInAnOldPartition is found within minutes, however many rows come in, and before the partition is merged.
func TestDamageInAnOldPartition(t *testing.T) {
	for _, busy := range []bool{true, false} {
		cfg := testConfig(t)
		s := startSmall(t, cfg, 64)
		writeAll(t, s, dated(time.Unix(1_790_000_000, 0), 1000, "a"))
		requireIndexed(t, cfg)
		stop(t, s)
		where := file{cfg}.Query(t, "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'session_events_3_by_user_name'").Cells[0]
		overwrite(t, cfg.Path, int64((toInt(where[0])-1)*toInt(where[1])), noise(toInt(where[1])))

		c := startCollector(t, cfg, trueNow)
		c.limits.tables = 1 // everything is to be merged
		rounds := 0
		for ; c.refusedError == nil && rounds < 100; rounds++ {
			if busy {
				c.arrivalBefore = c.partitions.nextArrival - busyRows - 1
			}
			c.pass(time.Minute)
			c.tendWhileQuiet()
			require.Nil(t, c.move)
		}
		require.ErrorIs(t, c.refusedError, ErrDamaged)
		if busy {
			require.InDelta(t, 30, rounds, 10, "one in ten minutes")
		}
	}
}
