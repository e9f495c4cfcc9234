package redshift

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// A backlog is told at its beginning and at its end, and its metric is back at 0; what comes later in small numbers has no line.
func TestABacklogIsTold(t *testing.T) {
	s := cluster.Get(t)
	cfg := config(s, redshift.Collector)
	cfg.Table, cfg.BatchSize = newTable(t, s), 10
	begin := time.Now().Add(-30 * time.Hour)
	insertLogins(t, s, cfg.Table, logins("old", 1000, begin, time.Minute)...)
	r := run(t, cfg, nil)
	r.waitEvents(t, 1000)
	eventually(t, "the end", func() bool { return r.log.FilterMessage("the backlog is read").Len() == 1 })
	insertLogins(t, s, cfg.Table, logins("new", 100, time.Now().Add(-time.Minute), time.Millisecond)...)
	r.waitEvents(t, 1100)
	begun := r.log.FilterMessage("a backlog is read: how far it is follows every minute")
	require.Equal(t, 1, begun.Len())
	require.EqualValues(t, 1000, begun.All()[0].ContextMap()["rows"])
	require.Positive(t, r.stats.Counts().Backlogs)
	require.Zero(t, r.stats.Counts().Backlog)
}
