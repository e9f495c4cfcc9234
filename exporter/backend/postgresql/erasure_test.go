package postgresql

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// erasure: what docs/security.md says leaves nothing of a person in the files of the tables and their indexes.
func erasure(t *testing.T, pg *postgresql.Server) {
	cfg := testConfig(t, pg)
	before := func() { require.NotEqual(t, "0", filesWithErased(t, pg, cfg), "the search finds names") }
	backendtest.Erasure(t, backendtest.Harness{Dialect: backendtest.PostgreSQL}, schema{cfg}, []string{"session_events", "session_conflicts"}, before, func(t *testing.T, statement string) {
		t.Helper()
		rowsOf(t, cfg, statement)
	})
	require.Equal(t, "0", filesWithErased(t, pg, cfg), "bytes of the name are left")
}

func filesWithErased(t *testing.T, pg *postgresql.Server, cfg Config) string {
	t.Helper()
	pg.Exec(t, "CHECKPOINT")
	return pg.QueryIn(t, server.AppDB, fmt.Sprintf(`SELECT count(*) FROM pg_class
		WHERE relnamespace = '%s'::regnamespace AND relkind IN ('r', 'i', 't') AND pg_relation_filepath(oid) IS NOT NULL
		AND position('%s'::bytea IN pg_read_binary_file(pg_relation_filepath(oid))) > 0`, cfg.Schema, backendtest.Erased))[0][0]
}
