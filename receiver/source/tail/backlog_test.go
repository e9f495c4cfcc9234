package tail_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

func toldOfBacklog(j *job) (lines []string) {
	for _, entry := range j.logs.All() {
		if strings.Contains(entry.Message, "backlog") {
			lines = append(lines, entry.Message)
		}
	}
	return lines
}

// TestABacklogIsTold: two texts of 10 MB each, of which four batches take four seconds. Nobody knows how many rows they have: it is
// estimated from what was read.
func TestABacklogIsTold(t *testing.T) {
	inMemory(t, func(t *testing.T, disk *memoryDisk) {
		rows := 0
		for _, user := range []string{"early", "later"} {
			text := strings.Repeat(rowOf(user), 40_000)
			rows += 40_000
			disk.write("log/"+user+".jsonl", text)
		}
		settings := disk.settings("log/*")
		settings.BatchSize = 1000
		j := newJob()
		j.Fate = func(context.Context, int, []session.Event) error {
			time.Sleep(4 * time.Second)
			return nil
		}
		j.begin(t, settings, &sourcetest.Store{})
		time.Sleep(30 * time.Second)
		left := j.stats.Counts().Backlog
		require.InDelta(t, rows-30_000, left, 8000)
		time.Sleep(time.Hour)
		require.Zero(t, j.stats.Counts().Backlog)
		told := toldOfBacklog(j)
		require.Equal(t, "a backlog is read: how far it is follows every minute", told[0])
		require.Equal(t, "the backlog is read", told[len(told)-1])
		fields := j.logs.FilterMessage("a backlog is being read").All()[0].ContextMap()
		require.InDelta(t, rows, fields["read"].(uint64)+fields["left"].(uint64), 8000)
		require.InDelta(t, 1000, fields["rows_per_second"], 200)
		require.NotEmpty(t, fields["time_to_go"])

		disk.append("log/later.jsonl", rowsOf("one", "more"))
		scans(3)
		require.Equal(t, told, toldOfBacklog(j), "two rows are no backlog")
	})
}
