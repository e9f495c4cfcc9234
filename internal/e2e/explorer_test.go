package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheShippedExplorer says where it listens, shows the quick start's logins and what the pipeline's components do, and lets go of the
// database before the exporter closes it.
func TestTheShippedExplorer(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(filepath.Join(root, "config/collector.yaml"))
	require.NoError(t, err)
	export, err := os.ReadFile(filepath.Join(root, "examples/quickstart/data/session_log.jsonl"))
	require.NoError(t, err)
	rows := bytes.Count(export, []byte("\n"))
	p := newProcess(t, string(shipped))
	require.NoError(t, os.WriteFile(filepath.Join(p.Dir, "a.jsonl"), export, 0o600))
	p.Args = append(p.Args, shippedElsewhere(p.Dir, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0")...)
	p.Env = append(os.Environ(), "SESSIONLOG_DATA="+p.Dir)
	p.start(t)
	p.logs(t, "logins can be seen in a browser")
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(p.out.String())
	require.NotEmpty(t, address)
	require.Eventually(t, func() bool {
		status, text := ask(t, address+"/api/v1/events?limit=1000")
		return status == http.StatusOK && strings.Count(text, `"record_id"`) == rows
	}, arrival, quick)

	var health struct {
		Backend   struct{ State string }
		Pipelines []struct {
			Component, State string
			Work             *struct {
				LastSuccess *string `json:"last_success"`
			}
		}
	}
	succeeded := map[string]bool{}
	require.Eventually(t, func() bool {
		_, text := ask(t, address+"/api/v1/health")
		require.NoError(t, json.Unmarshal([]byte(text), &health))
		for _, c := range health.Pipelines {
			succeeded[c.Component] = c.Work != nil && c.Work.LastSuccess != nil
		}
		return succeeded["receiver/sessionlog/quickstart"] && succeeded["exporter/sessionlog"]
	}, arrival, quick, "%v", succeeded)
	require.Equal(t, "ok", health.Backend.State)
	status, page := ask(t, address+"/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "<html")

	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
	require.NoFileExists(t, filepath.Join(p.Dir, "session_log.db-wal"))
}
