package postgresql

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// noQuestionWalksATable: there is an index for each statement. A server with so few rows would walk them all the same, unless it is told not to.
func noQuestionWalksATable(t *testing.T, pg *postgresql.Server) {
	storage := schema{testConfig(t, pg)}
	backendtest.WriteScenes(t, storage)
	s := startStore(t, storage.cfg)
	require.NoError(t, s.withNewConn(t.Context(), s.indexPartitions))
	store, ok := storage.Ask(t).(*queryStore)
	require.True(t, ok)
	asking := storage.Ask(t)
	t.Cleanup(func() {
		require.NoError(t, store.Close())
		require.NoError(t, asking.Close())
	})
	require.NoError(t, execStatements(t.Context(), store.conn, "SET enable_seqscan = off"))
	byIndex := map[string]bool{}
	backendtest.StatementsOf(t, asking, func(question, sql string) {
		require.NoError(t, store.eachRow(t.Context(), "EXPLAIN "+sql, func(values [][]byte) (bool, error) {
			step := string(values[0])
			if !strings.Contains(step, "session_uncounted") { // has few rows, and all are wanted
				require.NotContains(t, step, "Seq Scan", "%s: %s", question, sql)
			}
			for _, p := range partitionIndexes {
				if strings.Contains(step, p.suffix+" ") || strings.HasSuffix(step, p.suffix) {
					byIndex[question+" by "+p.suffix] = true
				}
			}
			return true, nil
		}))
	})
	for _, wanted := range []string{"events, user by _user", "pairs, address by _address", "histogram, failures by _failure", "first-seen by _user", "returned-accounts by _user", "unusual-hours by _user"} {
		require.True(t, byIndex[wanted], "%s: %v", wanted, byIndex)
	}
}
