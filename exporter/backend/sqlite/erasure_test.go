package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
)

// TestErasure: what docs/security.md says leaves nothing of a person in the file and its log.
func TestErasure(t *testing.T) {
	cfg := testConfig(t)
	var conn *sqlite.Conn
	defer func() { require.NoError(t, conn.Close()) }()
	before := func() { require.True(t, heldInFiles(t, cfg.Path), "the search finds names") }
	backendtest.Erasure(t, backendtest.Harness{Dialect: backendtest.SQLite}, file{cfg}, []string{"session_events", "session_conflicts"}, before, func(t *testing.T, statement string) {
		t.Helper()
		if conn == nil {
			var err error
			conn, err = sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
			require.NoError(t, err)
		}
		stmt, _, err := conn.PrepareTransient(statement)
		require.NoError(t, err, statement)
		for more := true; more; {
			more, err = stmt.Step()
			require.NoError(t, err, statement)
		}
		require.NoError(t, stmt.Finalize())
	})
	require.False(t, heldInFiles(t, cfg.Path), "bytes of the name are left")
}

// heldInFiles searches the file and whatever stands beside it.
func heldInFiles(t *testing.T, path string) bool {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	require.NoError(t, err)
	for _, name := range files {
		content, err := os.ReadFile(name) //nolint:gosec // the test's own
		require.NoError(t, err)
		if bytes.Contains(content, []byte(backendtest.Erased)) {
			return true
		}
	}
	return false
}
