package clickhouse

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// A block costs a string per column, whatever its rows; a row costs nothing.
func TestARowCostsNoAllocation(t *testing.T) {
	s := testengine.ClickHouse(t)
	name, err := parseTable(backlog(t, s, 5000, time.Hour))
	require.NoError(t, err)
	client, err := configclickhouse.NewClient(t.Context(), config(endpoint(s, "native"), server.Admin).ClientConfig)
	require.NoError(t, err)
	conn, err := client.Connect(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	l, err := readLayout(t.Context(), conn, name, Config{})
	require.NoError(t, err)
	plan := newReading(l, newBlock(name, clickhouselog.NewMapper("warehouse")))
	blocks := 0
	require.NoError(t, conn.Query(t.Context(), "", plan.sql(l, poll.Always, keyUnused, identity{}), plan.columns, func(rows int) error {
		blocks++
		var e session.Event
		perBlock := testing.AllocsPerRun(5, func() {
			if plan.block.ready(rows) != nil {
				t.Error("the block is not sound")
			}
			for i := range rows {
				if plan.block.Event(i, &e) != poll.Deliver {
					t.Error("a row is not an event")
				}
			}
		})
		require.Less(t, perBlock, 100.0, "allocations for %d rows", rows)
		return nil
	}))
	require.Positive(t, blocks)
}
