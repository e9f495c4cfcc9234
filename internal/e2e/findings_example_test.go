package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheExampleOfFindings runs examples/findings: each finding of its README is told once, and none again after a restart.
func TestTheExampleOfFindings(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(root, "examples/findings/README.md"))
	require.NoError(t, err)
	_, told, found := strings.Cut(string(readme), "prints each finding once:\n\n```\n")
	require.True(t, found)
	told, _, _ = strings.Cut(told, "\n```")
	sentences := strings.Split(told, "\n")
	require.Len(t, sentences, 3)

	dir, explorer := t.TempDir(), freeAddress(t)
	run := func(until func(out string) bool) string {
		cmd := exec.Command(path, "--config", "examples/findings/collector.yaml")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "SESSIONLOG_DATA="+dir, "EXPLORER_ENDPOINT="+explorer, "FINDINGS_INTERVAL=1s")
		out := &lockedBuffer{}
		cmd.Stdout, cmd.Stderr = out, out
		require.NoError(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		require.Eventually(t, func() bool { return until(out.String()) }, arrival, quick, "%s", out)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait(), "%s", out)
		return out.String()
	}
	first := run(func(out string) bool { return strings.Count(out, "EventName: sessionlog.finding") >= len(sentences) })
	require.Equal(t, len(sentences), strings.Count(first, "EventName: sessionlog.finding"), "%s", first)
	for _, sentence := range sentences {
		require.Equal(t, 1, strings.Count(first, "Body: Str("+sentence+")"), "%s\n%s", sentence, first)
	}
	require.Contains(t, first, "url.full: Str(http://127.0.0.1:8127/search?")
	require.NotContains(t, first, "\twarn\t", "nothing in the example deserves a warning")
	again := run(func(out string) bool { return strings.Contains(out, "Everything is ready") })
	require.NotContains(t, again, "EventName: sessionlog.finding")
}
