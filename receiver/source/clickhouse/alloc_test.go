package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// queryOf is the query of a source's rows, over a connection of its own.
func queryOf(t testing.TB, cfg Config) (*logTable, *rows.Query, configclickhouse.Conn) {
	t.Helper()
	r, ok := newSource(t, cfg).(*clickhouseSource)
	require.True(t, ok)
	c, err := r.newConnection(t.Context(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(c.closeConnection)
	of := r.newTable(cfg, c, nil, nil)
	require.NoError(t, of.runLogQuery(t.Context(), func(configclickhouse.Conn) error { return nil }))
	return of, of.rows, of.conn
}

// A block costs a string per column, whatever its rows; a row costs nothing.
func TestARowCostsNoAllocation(t *testing.T) {
	s := quiet.Get(t)
	cfg := config(endpoint(s, "native"), server.Admin)
	cfg.Table = backlog(t, s, 5000, time.Hour)
	of, query, conn := queryOf(t, cfg)
	blocks := 0
	require.NoError(t, query.Run(t.Context(), conn, poll.AllTimes, rows.KeyUnused, rows.Identity{}, func(block *rows.Block) error {
		blocks++
		all := of.newEvents()
		all.Block = block
		var e session.Event
		perBlock := testing.AllocsPerRun(5, func() {
			for i := range all.Len() {
				if all.Event(i, &e) != poll.VerdictDeliver {
					t.Error("a row is not an event")
				}
			}
		})
		require.Less(t, perBlock, 100.0, "allocations for %d rows", all.Len())
		return nil
	}))
	require.Positive(t, blocks)
}
