package faults

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
)

const (
	configEnv = "SESSIONLOG_FAULTS_CONFIG" // makes the test binary a collector
	clockEnv  = "SESSIONLOG_FAULTS_CLOCK"  // a file with the offset of its receivers' clock, in seconds
)

func TestMain(m *testing.M) {
	if config := os.Getenv(configEnv); config != "" {
		runCollector(config)
		return
	}
	os.Exit(m.Run())
}

// runCollector is the distribution's core, whose receivers have a clock that the test moves.
func runCollector(config string) {
	set := otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "faults", Version: "test"},
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory()}, DefaultScheme: "file",
		}},
	}
	command := otelcol.NewCommand(set)
	command.SetArgs([]string{"--config", config})
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func factories() (otelcol.Factories, error) {
	f := otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}
	var err error
	if f.Extensions, err = otelcol.MakeFactoryMap[extension.Factory](filestorage.NewFactory()); err != nil {
		return f, err
	}
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory(),
		sessionlogreceiver.NewFactory(sessionlogreceiver.WithClock(steppedClock))); err != nil {
		return f, err
	}
	f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](sessionlogexporter.NewFactory())
	return f, err
}

// steppedClock is the wall clock moved by what the file of clockEnv says.
func steppedClock() time.Time {
	text, _ := os.ReadFile(os.Getenv(clockEnv))
	seconds, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return time.Now().Add(time.Duration(seconds) * time.Second)
}

// collector is a process over one folder. Ended and started again it goes on with the same folder.
type collector struct {
	dir, config, clock, log string
	public                  string // key that verifies what is sealed

	cmd   *exec.Cmd
	from  int64 // where in the log the process of the last start begins
	ended chan error
}

func newCollector(t *testing.T, dir, receivers, names, exporter string) *collector {
	t.Helper()
	c := &collector{dir: dir, config: filepath.Join(dir, "collector.yaml"), clock: filepath.Join(dir, "clock"), log: filepath.Join(t.TempDir(), "log")}
	text := "receivers:\n" + receivers + "exporters:\n  sessionlog:\n    " + exporter + `
    dead_letter: {directory: '$DIR/dead_letter'}
    seal: {key_file: '$DIR/seal.key', directory: '$DIR/seal', writer: faults}
extensions:
  file_storage: {directory: '$DIR/storage', create_directory: true, fsync: true}
service:
  extensions: [file_storage]
  telemetry:
    metrics: {level: none}
  pipelines:
    logs: {receivers: [` + names + `], exporters: [sessionlog]}
`
	secret, public, err := seal.GenerateKey("faults")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seal.key"), []byte(secret), 0o600))
	c.public = public
	require.NoError(t, os.WriteFile(c.config, []byte(strings.ReplaceAll(text, "$DIR", dir)), 0o600))
	t.Cleanup(func() {
		if c.cmd != nil {
			c.kill()
		}
		if text, err := os.ReadFile(c.log); t.Failed() && err == nil {
			t.Logf("the end of the collector's log:\n%s", text[max(0, len(text)-8000):])
		}
	})
	return c
}

func (c *collector) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer log.Close()
	c.from, err = log.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	c.cmd = exec.Command(os.Args[0])
	c.cmd.Env = append(os.Environ(), configEnv+"="+c.config, clockEnv+"="+c.clock, "TMPDIR="+t.TempDir())
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, c.cmd.Start())
	c.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(c.cmd, c.ended)
}

func (c *collector) kill() {
	_ = c.cmd.Process.Kill()
	<-c.ended
	c.cmd = nil
}

// stop is SIGTERM. Where well is false it may end with an error, as it does when its backend does not answer.
func (c *collector) stop(t *testing.T, well bool) {
	t.Helper()
	c.signal(t, syscall.SIGTERM)
	select {
	case err := <-c.ended:
		c.cmd = nil
		switch {
		case !well:
		case wasTerminated(err): // a collector is ready some moments before it listens to signals
			c.start(t)
			c.awaitReady(t)
			c.stop(t, well)
		default:
			require.NoError(t, err, "the collector's end")
		}
	case <-time.After(endLimit):
		t.Fatal("the collector does not stop")
	}
}

func wasTerminated(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGTERM
}

func (c *collector) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) { // one that ended by itself is started by supervise
		require.NoError(t, err)
	}
}

// awaitReady waits until the collector of the last start has started all its components.
func (c *collector) awaitReady(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(c.log)
		text = text[min(c.from, int64(len(text))):]
		begin := bytes.LastIndex(text, []byte("Starting faults..."))
		return err == nil && begin >= 0 && bytes.Contains(text[begin:], []byte("Everything is ready"))
	}, endLimit, 10*time.Millisecond, "the collector does not start")
}

// moveClock sets the offset of the receivers' clock.
func (c *collector) moveClock(t *testing.T, by time.Duration) {
	t.Helper()
	require.NoError(t, os.WriteFile(c.clock, []byte(strconv.Itoa(int(by/time.Second))), 0o600))
}
