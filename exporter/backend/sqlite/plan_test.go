package sqlite

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
)

// TestNoQuestionWalksATable: each statement finds its rows by an index of each partition, and none walks an index for its order alone.
func TestNoQuestionWalksATable(t *testing.T) {
	storage := file{testConfig(t)}
	backendtest.WriteScenes(t, storage)
	store, ok := storage.Ask(t).(*queryStore)
	require.True(t, ok)
	asking, ok := storage.Ask(t).(*queryStore)
	require.True(t, ok)
	t.Cleanup(func() {
		require.NoError(t, store.Close())
		require.NoError(t, asking.Close())
	})
	byIndex := map[string]bool{}
	backendtest.StatementsOf(t, asking, func(question, sql string) {
		require.NoError(t, store.eachRow(t.Context(), "EXPLAIN QUERY PLAN "+sql, func(stmt *sqlite.Stmt) (bool, error) {
			step := stmt.ColumnText(3)
			if strings.Contains(step, " session_events_") {
				require.Regexp(t, `^SEARCH .* USING ((COVERING )?INDEX \w+|INTEGER PRIMARY KEY) \(`, step, "%s: %s", question, sql)
				if _, index, there := strings.Cut(step, "_by_"); there {
					byIndex[question+" by "+strings.Fields(index)[0]] = true
				} else {
					byIndex[question+" by arrival"] = true
				}
			}
			return true, nil
		}))
	})
	for _, wanted := range []string{
		"events, all by time", "histogram, all by time", "pairs, all by time", "inventory by time", "events, user by user_name", "histogram, user by user_name",
		"pairs, address by client_address", "events, record by record_id", "events, trace by trace_id", "histogram, failures by failure_time", "failure-bursts by failure_time",
		"first-seen by user_name", "first-seen by arrival", "returned-accounts by user_name", "unusual-hours by user_name",
	} {
		require.True(t, byIndex[wanted], "%s: %v", wanted, byIndex)
	}
	for question := range byIndex {
		require.False(t, strings.HasSuffix(question, ", others by user_name") || strings.HasSuffix(question, "all by user_name"), question)
	}
}
