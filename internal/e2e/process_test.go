package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// endsWithin is what is promised of a process that is told to end.
const endsWithin = 10 * time.Second

// process is the distribution with a configuration of the test's own.
type process struct {
	*exec.Cmd
	ended chan error
	out   *lockedBuffer // of stdout and stderr, where the test gives none of its own
}

// lockedBuffer is read while a process writes it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newProcess makes the command; $DIR in the configuration is a folder of the test.
func newProcess(t *testing.T, config string) *process {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "collector.yaml")
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(config, "$DIR", dir)), 0o600))
	p := &process{Cmd: exec.Command(path, "--config", file), ended: make(chan error, 1), out: &lockedBuffer{}}
	p.Dir = dir
	p.Stdout, p.Stderr = p.out, p.out
	return p
}

func (p *process) start(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Start())
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		if t.Failed() {
			t.Logf("the process wrote:\n%s", p.out)
		}
	})
}

// status waits for the end and is the exit status.
func (p *process) status(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case err := <-p.ended:
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return exit.ExitCode()
		}
		require.NoError(t, err)
		return 0
	case <-time.After(within):
		require.Fail(t, "the process does not end", "within %s", within)
		return -1
	}
}

func (p *process) terminate(t *testing.T) {
	t.Helper()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
}

func (p *process) logs(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.out.String(), text) }, arrival, quick, "%s", text)
}

const emptyPipeline = `
exporters: {nop: }
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [sessionlog/x], exporters: [nop]}}
`

// TestAFatalErrorEndsWithStatusOne, so that a supervisor that restarts on failure does: at start and long after it.
func TestAFatalErrorEndsWithStatusOne(t *testing.T) {
	t.Run("the address is taken", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer taken.Close()
		p := newProcess(t, fmt.Sprintf("receivers: {sessionlog/x: {http: {endpoint: %q}}}\n", taken.Addr())+emptyPipeline)
		p.start(t)
		require.Equal(t, 1, p.status(t, arrival))
		require.Contains(t, p.out.String(), "address already in use")
	})
	t.Run("an auth extension that is not there", func(t *testing.T) {
		p := newProcess(t, "receivers: {sessionlog/x: {http: {endpoint: '127.0.0.1:0', auth: {authenticator: nosuch}}}}\n"+emptyPipeline)
		p.start(t)
		require.Equal(t, 1, p.status(t, arrival))
		require.Contains(t, p.out.String(), "nosuch")
	})
	t.Run("on_refused stop", func(t *testing.T) {
		refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
		defer refusing.Close()
		p := newProcess(t, fmt.Sprintf(`
receivers:
  sessionlog/x: {file: {include: ['$DIR/*.jsonl'], timezone: UTC}, on_refused: stop}
exporters:
  otlp_http: {endpoint: %q, sending_queue: {enabled: false}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [sessionlog/x], exporters: [otlp_http]}}
`, refusing.URL))
		export, err := os.ReadFile(filepath.Join(root, "examples/quickstart/data/session_log.jsonl"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(p.Dir, "a.jsonl"), export, 0o600))
		p.start(t)
		require.Equal(t, 1, p.status(t, arrival))
		require.Contains(t, p.out.String(), "receiver sessionlog/x failed for good")
	})
	t.Run("a clean stop is 0", func(t *testing.T) {
		p := newProcess(t, "receivers: {sessionlog/x: {http: {endpoint: '127.0.0.1:0'}}}\n"+emptyPipeline)
		p.start(t)
		p.logs(t, "Everything is ready")
		p.terminate(t)
		require.Equal(t, 0, p.status(t, endsWithin))
	})
}

// silentServer takes connections and never says a word.
func silentServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

// hangingPipeline sends a call by OTLP into an exporter whose server takes it and never answers.
func hangingPipeline(t *testing.T) *process {
	t.Helper()
	asked := make(chan struct{}, 100)
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-release
	}))
	t.Cleanup(func() { close(release); silent.CloseClientConnections(); silent.Close() })
	address := freeAddress(t)
	p := newProcess(t, fmt.Sprintf(`
receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}
exporters: {otlp_http/silent: {endpoint: %q, timeout: 0, sending_queue: {enabled: false}}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [otlp], exporters: [otlp_http/silent]}}
`, address, silent.URL))
	p.start(t)
	p.logs(t, "Everything is ready")
	go pushOTLP(t.Context(), address, "u", 1)
	<-asked
	return p
}

// pushOTLP sends n logins in one call by gRPC.
func pushOTLP(ctx context.Context, address, user string, n int) error {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	events := make([]session.Event, n)
	for i := range events {
		events[i] = session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "app", Instance: "test", User: user, Time: time.Now().UnixNano(), PID: int64(i + 1)}
	}
	_, err = plogotlp.NewGRPCClient(conn).Export(ctx, plogotlp.NewExportRequestFromLogs(plogs.NewEncoder("test").Encode(events)))
	return err
}

// TestSIGTERMEndsInTime whatever hangs, and says what.
func TestSIGTERMEndsInTime(t *testing.T) {
	t.Run("a call that is never answered", func(t *testing.T) {
		t.Parallel()
		p := hangingPipeline(t)
		p.terminate(t)
		require.Equal(t, 1, p.status(t, endsWithin))
		require.Contains(t, p.out.String(), "still at work: receiver otlp (stopping)")
	})
	t.Run("a second signal", func(t *testing.T) {
		t.Parallel()
		p := hangingPipeline(t)
		p.terminate(t)
		p.logs(t, "Starting shutdown")
		p.terminate(t)
		require.Equal(t, 1, p.status(t, 2*time.Second))
		require.Contains(t, p.out.String(), "a second signal")
	})
	for name, config := range map[string]string{
		"a ClickHouse that never answers": `
receivers: {sessionlog/x: {http: {endpoint: '127.0.0.1:0'}}}
exporters: {sessionlog: {clickhouse: {endpoints: ['clickhouse://%[1]s']}, dead_letter: {directory: '$DIR/d'}}}`,
		"a PostgreSQL that never answers": `
receivers: {sessionlog/x: {http: {endpoint: '127.0.0.1:0'}}}
exporters: {sessionlog: {postgresql: {endpoints: ['%[1]s'], username: u}, dead_letter: {directory: '$DIR/d'}}}`,
		"sources that never answer": `
receivers:
  sessionlog/x: {clickhouse: {endpoints: ['http://%[1]s']}, dead_letter: {directory: '$DIR/d'}}
  sessionlog/y: {postgresql: {endpoints: ['%[1]s'], username: u}, dead_letter: {directory: '$DIR/d'}}
  sessionlog/z: {redshift: {endpoints: ['%[1]s'], username: u}, dead_letter: {directory: '$DIR/d'}}
exporters: {nop: }`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receivers := "sessionlog/x"
			if strings.Contains(config, "sessionlog/z") {
				receivers = "sessionlog/x, sessionlog/y, sessionlog/z"
			}
			exporter := "sessionlog"
			if strings.Contains(config, "nop") {
				exporter = "nop"
			}
			p := newProcess(t, fmt.Sprintf(config, silentServer(t))+fmt.Sprintf(`
service:
  telemetry: {metrics: {level: none}}
  pipelines: {logs: {receivers: [%s], exporters: [%s]}}
`, receivers, exporter))
			p.start(t)
			p.logs(t, "Starting otelcol-sessionlog")
			time.Sleep(time.Second) // so that connections are open and wait
			p.terminate(t)
			status := p.status(t, endsWithin)
			if status != 0 {
				require.Contains(t, p.out.String(), "Error: ")
			}
		})
	}
}

// fullPipe is a pipe that nobody reads, with no room left in it.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	var fd [2]int
	require.NoError(t, unix.Pipe2(fd[:], unix.O_CLOEXEC))
	require.NoError(t, unix.SetNonblock(fd[1], true))
	for err := error(nil); err == nil; _, err = unix.Write(fd[1], make([]byte, 4096)) {
	}
	require.NoError(t, unix.SetNonblock(fd[1], false))
	write := os.NewFile(uintptr(fd[1]), "full pipe")
	t.Cleanup(func() { write.Close(); unix.Close(fd[0]) })
	return write
}

// closedPipe is a pipe whose reader is gone.
func closedPipe(t *testing.T) *os.File {
	t.Helper()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, read.Close())
	t.Cleanup(func() { write.Close() })
	return write
}

func fullDisk(t *testing.T) *os.File {
	t.Helper()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { full.Close() })
	return full
}

// TestOutputsThatTakeNothing: the shipped configuration goes on reading its file and answering pushes, and ends in time, whatever has
// become of stdout and stderr.
func TestOutputsThatTakeNothing(t *testing.T) {
	shipped, err := os.ReadFile(filepath.Join(root, "config/collector.yaml"))
	require.NoError(t, err)
	export, err := os.ReadFile(filepath.Join(root, "examples/quickstart/data/session_log.jsonl"))
	require.NoError(t, err)
	rows := bytes.Count(export, []byte("\n"))
	for name, output := range map[string]func(*testing.T) *os.File{"a pipe that nobody reads": fullPipe, "a reader that is gone": closedPipe, "a full disk": fullDisk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			p := newProcess(t, string(shipped))
			require.NoError(t, os.WriteFile(filepath.Join(p.Dir, "a.jsonl"), export, 0o600))
			p.Args = append(p.Args, shippedElsewhere(p.Dir, address, "127.0.0.1:0", "127.0.0.1:0")...)
			p.Args = append(p.Args, "--set=service::telemetry::logs::level=debug")
			p.Env = append(os.Environ(), "SESSIONLOG_DATA="+p.Dir)
			p.Stdout, p.Stderr = output(t), output(t)
			p.start(t)
			stored := func() int {
				return countRows(t, filepath.Join(p.Dir, "session_log.db"), "session_log")
			}
			require.Eventually(t, func() bool { return stored() == rows }, arrival, quick)
			const calls, each = 10, 3000
			for i := range calls {
				ctx, cancel := context.WithTimeout(t.Context(), arrival)
				require.NoError(t, pushOTLP(ctx, address, fmt.Sprintf("user-%d", i), each))
				cancel()
			}
			require.Equal(t, rows+calls*each, stored())
			p.terminate(t)
			require.Equal(t, 0, p.status(t, endsWithin))
		})
	}
}

// shippedElsewhere are the flags by which the shipped configuration can run beside anything.
func shippedElsewhere(dir, grpcAddress, httpAddress, readyAddress string) []string {
	return []string{
		"--set=receivers::sessionlog/quickstart::file::include=[" + dir + "/*.jsonl]",
		"--set=receivers::otlp::protocols::grpc::endpoint=" + grpcAddress, "--set=receivers::otlp::protocols::http::endpoint=" + httpAddress,
		"--set=extensions::healthcheckv2/ready::http::endpoint=" + readyAddress, "--set=extensions::healthcheckv2/live::http::endpoint=127.0.0.1:0",
		"--set=extensions::sessionlog_explorer::endpoint=127.0.0.1:0",
		"--set=service::telemetry::metrics::level=none",
	}
}
