package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// A backlog is told at its beginning and at its end, and its metric is back at 0; who has few rows before him has no line.
func TestABacklogIsTold(t *testing.T) {
	s := quiet.Get(t)
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

// TestAColdStartReadsNoHashes: of a table of which nothing is known the rows are counted, which reads none of the columns that tell them apart.
func TestAColdStartReadsNoHashes(t *testing.T) {
	s := quiet.Get(t)
	cfg := config(endpoint(s, "native"), server.Admin)
	cfg.Table = backlog(t, s, 500, 48*time.Hour)
	store := &sourcetest.Store{}
	readFirst := func() string {
		s.Exec(t, "SYSTEM FLUSH LOGS")
		return s.Query(t, "SELECT arrayStringConcat(columns, ' ') FROM system.query_log WHERE type = 'QueryFinish' AND query LIKE '%GROUP BY start%' AND query NOT LIKE '%query_log%'"+
			" AND has(tables, '"+cfg.Table+"') ORDER BY event_time_microseconds LIMIT 1")[0][0]
	}
	r := run(t, cfg, store)
	eventually(t, "all rows", func() bool { return len(r.emit.Delivered()) == 500 })
	r.polls(t)
	r.stop()
	require.Contains(t, readFirst(), "event_time_microseconds")
	require.NotContains(t, readFirst(), "auth_id")
	require.NotContains(t, readFirst(), "client_port")
}
