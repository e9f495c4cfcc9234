package sessionlogexporter

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// TestNoticesOnceAMinute: the first at once, then one line a minute with all that came meanwhile, and the rest at the end.
func TestNoticesOnceAMinute(t *testing.T) {
	core, logs := observer.New(zapcore.WarnLevel)
	clock := time.Unix(1_800_000_000, 0)
	n := notices{log: zap.New(core), now: func() time.Time { return clock }, kinds: map[string]*notice{}}
	told := func() (counts []int64) {
		for _, line := range logs.TakeAll() {
			counts = append(counts, line.ContextMap()["records"].(int64))
		}
		return counts
	}
	n.tell("a", 3, "why")
	require.Equal(t, []int64{3}, told())
	n.tell("a", 4, "why")
	n.tell("b", 1, "why")
	require.Equal(t, []int64{1}, told(), "another kind has a minute of its own")
	clock = clock.Add(noticeEvery)
	n.tell("a", 5, "why")
	require.Equal(t, []int64{9}, told())
	n.tell("a", 6, "why")
	require.Empty(t, told())
	n.flush()
	require.Equal(t, []int64{6}, told())
	n.flush()
	require.Empty(t, told())
}

// TestNoticesHoldNoValue runs records with a secret through every way that logs.
func TestNoticesHoldNoValue(t *testing.T) {
	r := start(t, func(c *Config) { c.NotEvents = NotEventsDeadLetter }, poisonous(1024, "client_port: not this one"))
	require.NoError(t, r.ConsumeLogs(t.Context(), withOthers(events(0, 10), 3)))
	require.Positive(t, r.logs.Len())
	for _, line := range r.logs.All() {
		require.NotContains(t, line.Message, "secret")
		for _, v := range line.ContextMap() {
			require.NotContains(t, fmt.Sprint(v), "secret")
		}
	}
}
