package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	accounts "github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestASecondCollectorOnOneStorage is told the reason, where the storage says "timeout".
func TestASecondCollectorOnOneStorage(t *testing.T) {
	const config = `
receivers: {sessionlog/x: {file: {include: ['$DIR/*.jsonl'], timezone: UTC}, storage: file_storage, dead_letter: {directory: '$DIR/d'}}}
extensions: {file_storage: {directory: %q, create_directory: true, timeout: 500ms}}
exporters: {nop: }
service:
  extensions: [file_storage]
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [sessionlog/x], exporters: [nop]}}
`
	storage := t.TempDir()
	first := newProcess(t, fmt.Sprintf(config, storage))
	first.start(t)
	first.logs(t, "Everything is ready")
	second := newProcess(t, fmt.Sprintf(config, storage))
	second.start(t)
	require.Equal(t, 1, second.status(t, arrival))
	require.Contains(t, second.out.String(), "a second collector on the same directory")
	require.Contains(t, second.out.String(), "extensions::file_storage::directory")
}

// ask is the answer of a health check.
func ask(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// TestTheShippedHealthCheckTellsTheTruth: not ready, with the reason, while a source does not work (its ClickHouse does not
// listen yet), and ready once it does. It is alive all the time.
func TestTheShippedHealthCheckTellsTheTruth(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile(filepath.Join(root, "config/collector.yaml"))
	require.NoError(t, err)
	ready, live := freeAddress(t), freeAddress(t)
	server := testengine.ClickHouse(t)
	server.Pause(t, logins.Native)
	p := newProcess(t, string(shipped))
	p.Args = append(p.Args, shippedElsewhere(p.Dir, "127.0.0.1:0", "127.0.0.1:0", ready)...)
	p.Args = append(p.Args, "--set=extensions::healthcheckv2/live::http::endpoint="+live, "--set=extensions::healthcheckv2/ready::component_health::recovery_duration=1s",
		"--set=receivers::sessionlog/ch::clickhouse::endpoints=[clickhouse://"+server.Native+"]", "--set=receivers::sessionlog/ch::clickhouse::username="+accounts.Audit.Name, "--set=receivers::sessionlog/ch::clickhouse::password="+accounts.Audit.Password,
		"--set=receivers::sessionlog/ch::clickhouse::collection_interval=100ms",
		"--set=receivers::sessionlog/ch::dead_letter::directory="+p.Dir, "--set=service::pipelines::logs::receivers=[sessionlog/ch, otlp]")
	p.Env = append(os.Environ(), "SESSIONLOG_DATA="+p.Dir)
	p.start(t)
	answers := func(status int) func() bool {
		return func() bool {
			got, _ := ask(t, "http://"+ready+"/ready")
			return got == status
		}
	}
	require.Eventually(t, answers(http.StatusInternalServerError), arrival, quick)
	_, text := ask(t, "http://"+ready+"/ready?verbose")
	require.Contains(t, text, "receiver:sessionlog/ch")
	require.Contains(t, text, "connection refused", "the reason")
	status, _ := ask(t, "http://"+live+"/live")
	require.Equal(t, http.StatusOK, status)

	server.Resume(t, logins.Native)
	require.Eventually(t, answers(http.StatusOK), arrival, quick)
	p.terminate(t)
	require.Equal(t, 0, p.status(t, endsWithin))
}

// TestValidateTriesConnections, warns of variables that are not set, and tells by its status what it found.
func TestValidateTriesConnections(t *testing.T) {
	path, err := binary()
	require.NoError(t, err)
	validate := func(config string, flags ...string) (int, string) {
		file := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
		out, err := exec.Command(path, append([]string{"validate", "--config", file}, flags...)...).CombinedOutput()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode(), string(out)
		}
		require.NoError(t, err)
		return 0, string(out)
	}
	const pipeline = "\nexporters: {nop: }\nservice: {pipelines: {logs: {receivers: [sessionlog/x], exporters: [nop]}}}\n"
	free := "receivers: {sessionlog/x: {http: {endpoint: '127.0.0.1:0'}}}" + pipeline

	status, out := validate(free, "--connect")
	require.Equal(t, 0, status, out)
	require.Contains(t, out, "receiver sessionlog/x\n  ok ")
	require.Contains(t, out, "not tried, only components of sessionlog can be: exporter nop")

	taken := silentServer(t)
	status, out = validate(fmt.Sprintf("receivers: {sessionlog/x: {http: {endpoint: %q}}}", taken)+pipeline, "--connect")
	require.Equal(t, 1, status, out)
	require.Contains(t, out, "(key http::endpoint)")

	status, out = validate("receivers: {sessionlog/x: {htpp: }}"+pipeline, "--connect")
	require.Equal(t, 2, status, out)
	require.Contains(t, out, "did you mean http?")

	status, out = validate(`
receivers: {sessionlog/x: {clickhouse: {endpoints: ['ch:9000'], username: "${env:SESSIONLOG_TEST_USER:-audit}", password: "${env:SESSIONLOG_TEST_UNSET}"}}}` + pipeline)
	require.Equal(t, 0, status, out)
	require.Contains(t, out, "Warning: receivers::sessionlog/x::clickhouse::password: the environment variable SESSIONLOG_TEST_UNSET is not set")
	require.NotContains(t, out, "SESSIONLOG_TEST_USER")
}
