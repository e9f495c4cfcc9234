// Package e2e runs the distribution as a user does, as a process of its own, against a real ClickHouse.
package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is the distribution: the one that SESSIONLOG_COLLECTOR names, as make test does, else built once for all tests of the package, and
// for those of bench/pipelines: the go command links nothing where the file is what it would write.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SESSIONLOG_COLLECTOR"); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	path, err := filepath.Abs(filepath.Join("..", "..", ".cache", "bench", "otelcol-sessionlog"))
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-toolexec", "env GOGC=off GOMEMLIMIT=2GiB", "-ldflags", "-s -w", "-o", path, "github.com/otel-sessionlog/sessionlog/cmd/otelcol-sessionlog").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// collector is a running distribution. Killed and started again it goes on with the same folder.
type collector struct {
	folder  string   // where it runs, "" for the test's own
	before  []string // the command that runs it
	program string   // "" for this tree's
	config  string
	overlay string   // a second configuration, over the first
	env     []string // beside the test's own
	dir     string
	cmd     *exec.Cmd
	log     *bytes.Buffer
	ended   chan error
}

// newCollector writes a configuration: receivers as given, SQLite, a storage on disk.
func newCollector(t testing.TB, receivers, names string) *collector {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "collector.yaml")
	text := strings.NewReplacer("$RECEIVERS", receivers, "$NAMES", names).Replace(`
receivers:
$RECEIVERS
exporters:
  sessionlog:
    sqlite: {path: '$DIR/session_log.db'}
    dead_letter: {directory: '$DIR/dead_letter'}
extensions:
  file_storage: {directory: '$DIR/storage', create_directory: true}
service:
  extensions: [file_storage]
  telemetry:
    metrics: {level: none}
  pipelines:
    logs: {receivers: [$NAMES], exporters: [sessionlog]}
`)
	text = strings.ReplaceAll(text, "$DIR", dir) // in the receivers too
	require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
	c := &collector{config: config, dir: dir}
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill(t)
		}
		if t.Failed() && c.log != nil {
			t.Logf("the collector's log:\n%s", c.log)
		}
	})
	return c
}

func (c *collector) start(t testing.TB) {
	t.Helper()
	path := c.program
	if path == "" {
		var err error
		path, err = binary()
		require.NoError(t, err)
	}
	arguments := append(slices.Clone(c.before), path, "--config", c.config)
	if c.overlay != "" {
		arguments = append(arguments, "--config", c.overlay)
	}
	c.cmd = exec.Command(arguments[0], arguments[1:]...)
	c.cmd.Dir = c.folder
	c.cmd.Env = append(os.Environ(), c.env...)
	c.log = &bytes.Buffer{}
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, c.cmd.Start())
	c.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(c.cmd, c.ended)
}

// validate is the distribution's own command.
func (c *collector) validate(t *testing.T) (string, error) {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	out, err := exec.Command(path, "validate", "--config", c.config).CombinedOutput()
	return string(out), err
}

// kill is the SIGKILL of the story: no warning, no clean-up.
func (c *collector) kill(t testing.TB) {
	t.Helper()
	_ = c.cmd.Process.Kill()
	<-c.ended
	c.cmd = nil
}

// stop is Ctrl-C, and must end well.
func (c *collector) stop(t testing.TB) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
	select {
	case err := <-c.ended:
		require.NoError(t, err, c.log.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the collector does not stop")
	}
	c.cmd = nil
}

func (c *collector) database() string { return filepath.Join(c.dir, "session_log.db") }

// environment is variables as a process takes them.
func environment(variables map[string]string) (env []string) {
	for name, value := range variables {
		env = append(env, name+"="+value)
	}
	return env
}
