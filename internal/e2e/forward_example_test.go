package e2e

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/victorialogs"
)

// TestForwardExample: examples/forward as it stands, into a real VictoriaLogs.
const quickStartRecords = 53 // lines of examples/quickstart/data

func TestForwardExample(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	col := newCollector(t, "", "")
	col.folder = filepath.Join("..", "..")
	col.config = filepath.Join("examples", "forward", "collector.yaml")
	col.env = environment(map[string]string{
		"LOGS_ENDPOINT":   server.URL("/insert/elasticsearch?_time_field=@timestamp&_msg_field=message&_stream_fields=event.dataset"),
		"SESSIONLOG_DATA": col.dir,
	})
	col.start(t)
	var documents []map[string]string
	require.Eventually(t, func() bool {
		server.Flush(t)
		documents = server.Query(t, "*")
		return len(documents) >= quickStartRecords
	}, patience, quick)
	require.Len(t, documents, quickStartRecords)
	failures := server.Query(t, "event.outcome:failure | stats by (user.name, source.ip) count() failures")
	require.NotEmpty(t, failures)
	for _, one := range failures {
		require.NotEmpty(t, one["failures"])
	}
	col.stop(t)
}

// TestForwardExampleOfTwoTargets: while the backend is away the table gets each login, and the backend has each once when it comes back: it has no
// ids, so that a repetition would be seen.
func TestForwardExampleOfTwoTargets(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	server.Stop(t, syscall.SIGTERM)
	col := newCollector(t, "", "")
	col.folder = filepath.Join("..", "..")
	col.config = filepath.Join("examples", "forward", "two-targets.yaml")
	col.env = environment(map[string]string{
		"LOGS_ENDPOINT":   server.URL("/insert/elasticsearch?_time_field=@timestamp&_msg_field=message&_stream_fields=event.dataset"),
		"SESSIONLOG_DATA": col.dir,
	})
	col.start(t)
	require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") >= quickStartRecords }, patience, quick)
	server.Run(t)
	var documents []map[string]string
	require.Eventually(t, func() bool {
		server.Flush(t)
		documents = server.Query(t, "*")
		return len(documents) >= quickStartRecords
	}, patience, quick)
	col.stop(t)
	require.Len(t, documents, quickStartRecords)
	require.Equal(t, quickStartRecords, countRows(t, col.database(), "session_events"))
}
