package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = "../.."

// TestQuickStart is `make run`: the shipped configuration reads the rows of the quick start, prints each, and tells nothing
// twice when it is started again. Ports and folders are others, so that the test can run beside anything.
func TestQuickStart(t *testing.T) {
	export, err := os.ReadFile(filepath.Join(root, "examples/quickstart/data/session_log.jsonl"))
	require.NoError(t, err)
	rows := bytes.SplitAfter(bytes.TrimSuffix(export, []byte("\n")), []byte("\n"))
	dir := t.TempDir()
	file := filepath.Join(dir, "session_log.jsonl")
	require.NoError(t, os.WriteFile(file, export, 0o600))
	first := quickStart(t, dir, len(rows))
	require.Equal(t, len(rows), bytes.Count(first, []byte(" client=")), "a readable line for each:\n%s", first)

	// One login more: what the second start would tell again comes before it.
	more, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = more.Write(append(bytes.ReplaceAll(rows[len(rows)-1], []byte("2026-"), []byte("2027-")), '\n'))
	require.NoError(t, err)
	require.NoError(t, more.Close())
	second := quickStart(t, dir, len(rows)+1)
	require.Equal(t, 1, bytes.Count(second, []byte(" client=")), "told twice:\n%s", second)
}

// quickStart runs the shipped configuration until so many rows are stored, interrupts it, and gives what it printed.
func quickStart(t *testing.T, dir string, rows int) []byte {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.Command(path, "--config", "config/collector.yaml")
	cmd.Args = append(cmd.Args, shippedElsewhere(dir, "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0")...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "SESSIONLOG_DATA="+filepath.Join(dir, "data"))
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	require.Eventually(t, func() bool {
		return len(query(t, filepath.Join(dir, "data", "session_log.db"), "SELECT record_id FROM session_log")) == rows
	}, arrival, quick)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "%s", &log)
	return out.Bytes()
}

// TestShownConfigurationsAreValid takes the README's YAML, and the files that it runs, to the distribution's own command.
func TestShownConfigurationsAreValid(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readme, -1)
	require.NotEmpty(t, blocks)
	configs := map[string]string{"config/collector.yaml": "config/collector.yaml", "examples/demo/collector.yaml": "examples/demo/collector.yaml", "examples/sessiontrace/collector.yaml": "examples/sessiontrace/collector.yaml"}
	for _, block := range blocks {
		file := filepath.Join(t.TempDir(), "readme.yaml")
		require.NoError(t, os.WriteFile(file, block[1], 0o600))
		configs["README.md"] = file
	}
	for name, file := range configs {
		cmd := exec.Command(path, "validate", "--config", file)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CH_PASSWORD=x", "SESSIONLOG_DATA="+t.TempDir(), "DEMO_CLICKHOUSE=127.0.0.1:9000", "DEMO_USER=u", "DEMO_PASSWORD=p")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
}
