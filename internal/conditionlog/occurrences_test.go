package conditionlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestOccurrencesOnceAMinute: the first at once, then one line a minute with all that came meanwhile, and the rest at the end.
func TestOccurrencesOnceAMinute(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	clock := time.Unix(1_800_000_000, 0)
	n := NewOccurrences(zap.New(core), func() time.Time { return clock })
	logged := func() (counts []int64) {
		for _, line := range logs.TakeAll() {
			counts = append(counts, line.ContextMap()["records"].(int64))
		}
		return counts
	}
	n.Count("a", "records", 3, zap.String("reason", "why"))
	require.Equal(t, []int64{3}, logged())
	n.Count("a", "records", 4, zap.String("reason", "why"))
	n.Count("b", "records", 1, zap.String("reason", "why"))
	require.Equal(t, []int64{1}, logged(), "another kind has a minute of its own")
	clock = clock.Add(OccurrencesInterval)
	n.Count("a", "records", 5, zap.String("reason", "why"))
	require.Equal(t, []int64{9}, logged())
	n.Count("a", "records", 6, zap.String("reason", "why"))
	require.Empty(t, logged())
	n.Flush()
	require.Equal(t, []int64{6}, logged())
	n.Flush()
	require.Empty(t, logged())
}
