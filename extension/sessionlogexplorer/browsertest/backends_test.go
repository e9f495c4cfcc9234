package browsertest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestEveryBackendShowsTheSame compares what the pages say over PostgreSQL and ClickHouse with what they say over SQLite.
func TestEveryBackendShowsTheSame(t *testing.T) {
	want := saidByPages(t, collectorWithLogs(t))
	pg := postgresql.Start(t)
	ch := testengine.ClickHouse(t, testengine.LogsOnDemand())
	for name, block := range map[string]string{
		"postgresql": fmt.Sprintf("postgresql: {endpoints: ['%s'], username: %s, password: %s, database: %s}", pg.Address, pgserver.Admin.Name, pgserver.Admin.Password, "postgres"),
		"clickhouse": fmt.Sprintf("clickhouse: {endpoints: ['clickhouse://%s'], username: %s, password: %s, database: audit}", ch.Native, server.Admin.Name, server.Admin.Password),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, writeLogs(dir))
			c, err := startCollector(dir, readerOfLogs, block)
			require.NoError(t, err)
			defer c.stop()
			require.NoError(t, c.waitForEvents(recordedEvents))
			got := saidByPages(t, c)
			for page, said := range want {
				require.Equal(t, said, got[page], page)
			}
		})
	}
}

// saidByPages is the text of the pages about the day of the logs.
func saidByPages(t *testing.T, c *collectorProcess) map[string]string {
	t.Helper()
	p := openTab(t, c.explorer, "", desktop)
	said := map[string]string{}
	for page, parts := range map[string]string{
		"/search?" + theDay:                 ".results table, .facets, .legend",
		"/search?outcome=failure&" + theDay: ".results table, .facets, .legend",
		"/user/alice?" + theDay:             ".facts, .list",
		"/inventory?" + theDay:              ".list",
		"/new?" + theDay:                    ".question h2, .finding-time, .finding-said",
	} {
		p.visit(page)
		p.waitFor(`document.querySelector('main .list, main .question, main .facet') && !document.querySelector('.stale') && document.querySelector('.legend')?.innerText !== ''`)
		said[page] = read[string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText).join('\n')`, parts))
		require.NotEmpty(t, said[page])
	}
	return said
}
