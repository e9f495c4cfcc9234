package postgresql

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// indexesBehindABacklog: a partition gets its indexes once no backlog is written any more; an empty one waits, one that broke off is built
// anew, and names of any length are written beside them.
func indexesBehindABacklog(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	cfg.TablePrefix = "audit_"
	s := startStore(t, cfg)
	month := time.Date(2025, 3, 10, 0, 0, 0, 0, time.UTC)
	write1(t, s, seq(at(month, "ada"), at(month.Add(time.Second), "ada")))
	const partition = "audit_session_events_2025_03"
	indexes := func() (names []string) {
		for _, r := range rowsOf(t, cfg, "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class p ON p.oid = i.indrelid "+
			"WHERE p.relkind = 'r' AND c.relname ~ '(_user|_address|_failure)$' ORDER BY 1").Cells {
			require.Equal(t, "t", r[1], r[0])
			names = append(names, r[0])
		}
		return names
	}
	stopStore(t, started(t, cfg))
	require.Empty(t, indexes(), "what is written after a start may be a backlog")
	s.written.Store(busyRows + 1)
	s.buildIndexes(t.Context())
	require.Empty(t, indexes())

	require.NoError(t, s.withNewConn(t.Context(), func(ctx context.Context, conn *pgconn.PgConn) error {
		require.Error(t, execStatements(ctx, conn, "CREATE UNIQUE INDEX CONCURRENTLY "+partition+"_user ON "+partition+" (user_name)"))
		return nil
	}))
	s.buildIndexes(t.Context())
	require.Equal(t, []string{partition + "_address", partition + "_failure", partition + "_user"}, indexes(), "the other partitions are empty")
	s.buildIndexes(t.Context())

	require.Equal(t, 1, write1(t, s, seq(at(month.Add(time.Minute), strings.Repeat("a long name ", 1000)))).Written)
	plan := func(sql string) (text string) {
		require.NoError(t, s.withNewConn(t.Context(), func(ctx context.Context, conn *pgconn.PgConn) error {
			rows, err := queryRows(ctx, conn, "EXPLAIN "+sql)
			for _, r := range rows {
				text += r[0] + "\n"
			}
			return err
		}))
		return text
	}
	var more []*session.Event
	for n := range 2000 {
		more = append(more, at(month.Add(time.Duration(n)*time.Hour/4), fmt.Sprint("user", n)))
	}
	write1(t, s, seq(more...))
	rowsOf(t, cfg, "ANALYZE audit_session_events")
	require.Contains(t, plan("SELECT * FROM audit_session_events WHERE left(user_name, 200) = 'ada' AND user_name = 'ada' ORDER BY time DESC LIMIT 5"), partition+"_user")
	require.Contains(t, plan("SELECT * FROM audit_session_events WHERE outcome = 'failure' ORDER BY time DESC LIMIT 5"), partition+"_failure")
}
