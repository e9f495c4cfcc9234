package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/victorialogs"
)

const quickStartRecords = 53 // lines of examples/quickstart/data

// newForwardExample is a configuration of examples/forward as it stands.
func newForwardExample(t *testing.T, server *victorialogs.Server, config string) *collector {
	t.Helper()
	col := newCollector(t, "", "")
	col.folder = filepath.Join("..", "..")
	col.config = filepath.Join("examples", "forward", config)
	col.env = environment(map[string]string{
		"LOGS_ENDPOINT":   server.URL("/insert/elasticsearch?_time_field=@timestamp&_msg_field=message&_stream_fields=event.dataset"),
		"SESSIONLOG_DATA": col.dir,
	})
	return col
}

// requireDocuments waits until each record is there once.
func requireDocuments(t *testing.T, server *victorialogs.Server) {
	t.Helper()
	var documents []map[string]string
	require.Eventually(t, func() bool {
		server.Flush(t)
		documents = server.Query(t, "*")
		return len(documents) >= quickStartRecords
	}, patience, quick)
	require.Len(t, documents, quickStartRecords)
}

// TestForwardExample: examples/forward as it stands, into a real VictoriaLogs.
func TestForwardExample(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	col := newForwardExample(t, server, "collector.yaml")
	col.start(t)
	requireDocuments(t, server)
	failures := server.Query(t, "event.outcome:failure | stats by (user.name, source.ip) count() failures")
	require.NotEmpty(t, failures)
	for _, one := range failures {
		require.NotEmpty(t, one["failures"])
	}
	col.stop(t)
}

// TestForwardExampleAfterAKilledServer: what the server answered and forgot comes back by the remedy of docs/forward.md.
func TestForwardExampleAfterAKilledServer(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	col := newForwardExample(t, server, "collector.yaml")
	col.start(t)
	requireDocuments(t, server)
	server.Stop(t, syscall.SIGKILL)
	server.Run(t)
	require.Less(t, len(server.Query(t, "*")), quickStartRecords, "it forgot nothing, so that nothing is shown")
	col.stop(t)
	require.NoError(t, os.Rename(filepath.Join(col.dir, "storage"), filepath.Join(col.dir, "storage.away")))
	col.start(t)
	require.Eventually(t, func() bool {
		server.Flush(t)
		return len(server.Query(t, "* | uniq by (event.id)")) == quickStartRecords
	}, patience, quick)
	col.stop(t)
}

// TestForwardExampleOfTwoTargets: while the backend is away the table gets each login, and the backend has each once when it comes back: it has no
// ids, so that a repetition would be seen.
func TestForwardExampleOfTwoTargets(t *testing.T) {
	t.Parallel()
	server := victorialogs.Start(t)
	server.Stop(t, syscall.SIGTERM)
	col := newForwardExample(t, server, "two-targets.yaml")
	col.start(t)
	require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") >= quickStartRecords }, patience, quick)
	server.Run(t)
	requireDocuments(t, server)
	col.stop(t)
	require.Equal(t, quickStartRecords, countRows(t, col.database(), "session_events"))
}
