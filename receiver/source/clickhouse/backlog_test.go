package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// A backlog is told at its beginning and at its end, and its metric is back at 0; who has few rows before him has no line.
func TestABacklogIsTold(t *testing.T) {
	s := testengine.ClickHouse(t)
	const rows = 5000
	large, small := backlog(t, s, rows, 48*time.Hour), backlog(t, s, 100, time.Hour)
	for _, protocol := range protocols {
		for table, told := range map[string]int{large: 1, small: 0} {
			n := 100 + told*(rows-100)
			core, logs := observer.New(zap.InfoLevel)
			cfg := config(endpoint(s, protocol), server.Admin)
			cfg.Table, cfg.BatchSize = table, 100
			r := runLogged(t, cfg, nil, zap.New(core))
			eventually(t, "all rows", func() bool { return len(r.emit.Delivered()) == n && r.stats.Counts().Backlog == 0 })
			r.polls(t)
			r.stop()
			begun := logs.FilterMessage("a backlog is read: how far it is follows every minute")
			require.Equal(t, told, begun.Len())
			require.Equal(t, told, logs.FilterMessage("the backlog is read").FilterField(zap.Uint64("rows", rows)).Len())
			require.Equal(t, told == 1, r.stats.Counts().Backlogs > 1, "its metric is kept up")
			require.Zero(t, r.stats.Counts().Backlog)
			if told == 1 {
				require.EqualValues(t, rows, begun.All()[0].ContextMap()["rows"])
			}
		}
	}
}
