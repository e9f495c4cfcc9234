package browsertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

const repository = "../../.."

// recordedEvents are in the logs that are read.
const recordedEvents = 123

// buildCollector gives the distribution: the one that SESSIONLOG_COLLECTOR names, as make test does, else what the go command links, anew
// only where something has changed.
var buildCollector = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SESSIONLOG_COLLECTOR"); path != "" {
		_, err := os.Stat(path)
		return path, err
	}
	path, err := filepath.Abs(filepath.Join(repository, ".cache", "bench", "otelcol-sessionlog"))
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "github.com/otel-sessionlog/sessionlog/cmd/otelcol-sessionlog").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the collector: %w: %s", err, out)
	}
	return path, nil
})

// collectorProcess is a running distribution that reads logs of real servers, writes them into a table and shows them.
type collectorProcess struct {
	dir      string
	log      bytes.Buffer
	command  *exec.Cmd
	explorer string // http://127.0.0.1:port
}

const sqliteBlock = "sqlite: {path: '$DIR/session_log.db'}"

// startCollector runs a configuration in a folder of its own. $DIR is the folder, $BACKEND the block of the backend, $PORT the explorer's.
func startCollector(dir, config, backend string) (*collectorProcess, error) {
	path, err := buildCollector()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer("$BACKEND", strings.ReplaceAll(backend, "$DIR", dir), "$DIR", dir, "$PORT", port).Replace(config)
	file := filepath.Join(dir, "collector.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	c := &collectorProcess{dir: dir, explorer: "http://127.0.0.1:" + port, command: exec.Command(path, "--config", file)}
	c.command.Stdout, c.command.Stderr = &c.log, &c.log
	c.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return c, c.command.Start()
}

func (c *collectorProcess) stop() {
	_ = c.command.Process.Signal(os.Interrupt)
	_ = c.command.Wait()
}

// waitForEvents returns when so many events can be seen.
func (c *collectorProcess) waitForEvents(count int) error {
	var last error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var answer struct{ Events []json.RawMessage }
		if last = c.ask("/api/v1/events?limit=1000", &answer); last == nil && len(answer.Events) >= count {
			return nil
		}
		if last == nil {
			last = fmt.Errorf("%d events of %d", len(answer.Events), count)
		}
	}
	return fmt.Errorf("the collector shows too little: %w\n%s", last, c.log.String())
}

func (c *collectorProcess) ask(path string, answer any) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.explorer+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	err = json.NewDecoder(response.Body).Decode(answer)
	return errors.Join(err, response.Body.Close())
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// readerOfLogs reads what real servers wrote: ClickHouse's session_log, PostgreSQL's and sshd's logs, and a file that grows.
const readerOfLogs = `
receivers:
  sessionlog/clickhouse:
    file: {include: ['$DIR/clickhouse/*.jsonl'], timezone: UTC, poll_interval: 100ms}
    instance: warehouse
  sessionlog/postgresql:
    file: {include: ['$DIR/postgresql/*.jsonl'], timezone: UTC}
    instance: shop
  sessionlog/ssh:
    file: {include: ['$DIR/ssh/auth.log'], timezone: UTC}
    instance: bastion
exporters:
  sessionlog:
    $BACKEND
    seal: {key_file: $DIR/seal.key, directory: $DIR/seal, interval: 50ms}
extensions:
  sessionlog_explorer:
    endpoint: 127.0.0.1:$PORT
    answer_time: 20s # the machine may have other things to do
    trace_link: https://tempo.example.com/trace/{trace_id}
    $BACKEND
service:
  extensions: [sessionlog_explorer]
  telemetry:
    metrics: {level: none}
  pipelines:
    logs: {receivers: [sessionlog/clickhouse, sessionlog/postgresql, sessionlog/ssh], exporters: [sessionlog]}
`

// hostileUsers are names that clients typed who wish the reader ill.
var hostileUsers = []string{
	`<script>alert(1)</script>`,
	`<img src=x onerror=alert(1)>`,
	`"><svg/onload=alert(1)>`,
	`'; DROP TABLE session_events; --`,
	"evil\u202egnp.exe",
	"nul\x00bell\x07",
	"=cmd|' /C calc'!A0",
	"..",
	"a/b?c#d&e=f%20g",
	strings.Repeat("x", 1<<20),
}

// writeLogs puts the logs where readerOfLogs looks. Sessions of today are made of recorded ones, with other times.
func writeLogs(dir string) error {
	for from, to := range map[string]string{
		"examples/quickstart/data/session_log.jsonl":         "clickhouse/session_log.jsonl",
		"internal/dialect/postgreslog/testdata/18/log.jsonl": "postgresql/log.jsonl",
		"internal/dialect/sshlog/testdata/auth.log":          "ssh/auth.log",
	} {
		text, err := os.ReadFile(filepath.Join(repository, from))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, to), text, 0o600); err != nil {
			return err
		}
	}
	secret, _, err := seal.GenerateKey("audit.example.net/logins")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "seal.key"), []byte(secret), 0o600); err != nil {
		return err
	}
	var lines []byte
	for i, user := range hostileUsers {
		lines = append(lines, clickhouseLine("LoginFailure", user, "hostile", time.Date(2026, 11, 21, 12, 0, i, 0, time.UTC))...)
	}
	return os.WriteFile(filepath.Join(dir, "clickhouse", "hostile.jsonl"), lines, 0o600)
}

// clickhouseLine is a line of session_log as ClickHouse exports it. Events of the same session share a name.
func clickhouseLine(kind, user, session string, at time.Time) []byte {
	row := map[string]any{
		"hostname": "vm", "type": kind, "user": user, "auth_id": fmt.Sprintf("00000000-0000-4000-8000-%x", []byte(session)[:6]), "auth_type": "SHA256_PASSWORD",
		"event_time_microseconds": at.UTC().Format("2006-01-02 15:04:05.000000"), "event_time": at.UTC().Format(time.DateTime), "event_date": at.UTC().Format(time.DateOnly),
		"client_address": "203.0.113.42", "client_port": 40000 + at.Second(), "interface": "TCP", "client_name": "psql", "profiles": []string{}, "roles": []string{}, "settings": []any{},
	}
	if kind == "LoginFailure" {
		row["auth_id"] = fmt.Sprintf("00000000-0000-4000-8000-%012x", at.UnixMicro()&(1<<48-1))
		row["failure_reason"] = strconv.Quote(user[:min(len(user), 50)]) + ": Authentication failed: password is incorrect, or there is no user with such name."
	}
	line, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	return append(line, '\n')
}

// appendLogin adds a login of now to the log that is being read.
func (c *collectorProcess) appendLogin(t *testing.T, kind, user string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(c.dir, "clickhouse", "session_log.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.Write(clickhouseLine(kind, user, user+"......", time.Now()))
	require.NoError(t, errors.Join(err, file.Close()))
}

var (
	sharedLock      sync.Mutex
	sharedCollector *collectorProcess
)

// collectorWithLogs is one collector for the tests of the package, with the logs in SQLite.
func collectorWithLogs(t *testing.T) *collectorProcess {
	t.Helper()
	sharedLock.Lock()
	defer sharedLock.Unlock()
	if sharedCollector != nil {
		return sharedCollector
	}
	dir, err := os.MkdirTemp("", "explorer-")
	require.NoError(t, err)
	require.NoError(t, writeLogs(dir))
	c, err := startCollector(dir, readerOfLogs, sqliteBlock)
	require.NoError(t, err)
	sharedCollector = c
	require.NoError(t, c.waitForEvents(recordedEvents))
	return c
}

func stopSharedCollector() {
	if sharedCollector != nil {
		sharedCollector.stop()
		_ = os.RemoveAll(sharedCollector.dir)
	}
}
