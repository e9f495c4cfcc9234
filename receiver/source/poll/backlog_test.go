package poll

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// A backlog of 1,000 rows that takes a second for each ten: it is told at its beginning, every minute and at its end; so is what a collector
// finds that was away for two days. Who is not behind has no line.
func TestABacklogIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.BatchSize = 10
		table := &memoryTable{rows: manyRows("early", 1000, time.Now().Add(-48*time.Hour))}
		slow := &sourcetest.Recorder{Fate: func(_ context.Context, _ int, events []session.Event) error {
			time.Sleep(time.Duration(len(events)) * 400 * time.Millisecond) // four are under way
			return nil
		}}
		store := &sourcetest.Store{}
		p := pollFrom(t, cfg, table, slow, store)
		time.Sleep(50 * time.Second)
		require.InDelta(t, 500, p.stats.Counts().Backlog, 100)
		time.Sleep(time.Hour)
		require.Len(t, p.users(), 1000)
		require.Zero(t, p.stats.Counts().Backlog)
		require.Equal(t, []string{"a backlog is read: how far it is follows every minute", "a backlog is being read", "the backlog is read"}, told(p))
		fields := p.logs.FilterMessage("a backlog is being read").All()[0].ContextMap()
		require.EqualValues(t, 1000, fields["read"].(uint64)+fields["left"].(uint64))
		require.InDelta(t, 10, fields["rows_per_second"], 2)
		require.NotEmpty(t, fields["time_to_go"])
		require.Zero(t, p.logs.FilterLevelExact(zap.WarnLevel).Len())

		lines := len(told(p))
		table.add(manyRows("few", 100, time.Now())...)
		time.Sleep(time.Hour)
		require.Len(t, p.users(), 1100)
		require.Len(t, told(p), lines, "a hundred rows are no backlog")
		p.stop()

		time.Sleep(24 * time.Hour)
		table.add(manyRows("while away", 500, time.Now())...)
		time.Sleep(24 * time.Hour)
		again := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		time.Sleep(time.Hour)
		again.stop()
		require.Len(t, again.users(), 500)
		require.Equal(t, []string{"a backlog is read: how far it is follows every minute", "the backlog is read"}, told(again))
		require.EqualValues(t, 500, again.logs.All()[0].ContextMap()["rows"])
		require.Positive(t, again.stats.Counts().Backlogs)
		require.Zero(t, again.stats.Counts().Backlog)
	})
}

func told(p *polling) (messages []string) {
	for _, entry := range p.logs.All() {
		if entry.Message != "connected, 1000 rows read" && entry.Message != "connected, 500 rows read" {
			messages = append(messages, entry.Message)
		}
	}
	return messages
}

// manyRows are a second apart.
func manyRows(name string, n int, from time.Time) (rows []memoryRow) {
	for i := range n {
		rows = append(rows, memoryRow{from.Add(time.Duration(i) * time.Second).UnixMicro(), fmt.Sprint(name, i)})
	}
	return rows
}

// countingTable counts how often it is asked for what.
type countingTable struct {
	*memoryTable
	counts, sums int
}

func (c *countingTable) Sums(ctx context.Context, r TimeRange, width int64, yield func(Sum)) error {
	if width == DayMicros {
		c.sums++
	}
	return c.memoryTable.Sums(ctx, r, width, yield)
}

func (c *countingTable) Counts(ctx context.Context, r TimeRange, width int64, yield func(Sum)) error {
	c.counts++
	return c.memoryTable.Sums(ctx, r, width, func(s Sum) {
		s.Hash = 0
		yield(s)
	})
}

// TestACountIsEnoughWhereNothingIsKnown: hashes are asked for once there is something to compare them with.
func TestACountIsEnoughWhereNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		table := &countingTable{memoryTable: &memoryTable{rows: manyRows("early", 1000, time.Now().Add(-48*time.Hour))}}
		store := &sourcetest.Store{}
		p := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		time.Sleep(time.Minute)
		p.stop()
		require.Len(t, p.users(), 1000)
		require.Equal(t, []int{1, 0}, []int{table.counts, table.sums})

		again := pollFrom(t, cfg, table, &sourcetest.Recorder{}, store)
		time.Sleep(48 * time.Hour)
		again.stop()
		require.Empty(t, again.users())
		require.Equal(t, 1, table.counts)
		require.Positive(t, table.sums)
	})
}
