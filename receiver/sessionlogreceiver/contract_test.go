package sessionlogreceiver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/file"
)

// exportLine is a successful login as ClickHouse exports it. Each name has an auth_id of its own.
func exportLine(name string, n int) string {
	at := time.Date(2026, 11, 20, 10, 0, 0, n*1000, time.UTC)
	text, _ := json.Marshal(map[string]any{
		"hostname": "ch-0", "type": "LoginSuccess", "auth_id": fmt.Sprintf("00000000-0000-4000-8000-%012x", n),
		"event_time_microseconds": at.Format("2006-01-02 15:04:05.000000"), "user": name, "auth_type": "SHA256_PASSWORD",
		"client_address": "::ffff:10.0.0.7", "client_port": 40000, "interface": "TCP",
	})
	return string(text) + "\n"
}

// fileConfig follows the files of a glob, quickly.
func fileConfig(t *testing.T, glob string) *Config {
	t.Helper()
	config := createDefaultConfig().(*Config)
	block := config.File.GetOrInsertDefault()
	*block = file.DefaultConfig()
	block.Include, block.Timezone, block.PollInterval = []string{glob}, "UTC", 5*time.Millisecond
	config.Instance = "warehouse"
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	require.NoError(t, config.Validate())
	return config
}

// exporter appends logins to a file, as a server's export does, for core's contract checker.
type exporter struct {
	t   *testing.T
	dir string

	mu   sync.Mutex
	file *os.File
	n    int
}

// Start begins a scenario, which has a receiver of its own: it must not find what an earlier one was told.
func (e *exporter) Start() {
	var err error
	e.file, err = os.CreateTemp(e.dir, "*.jsonl")
	require.NoError(e.t, err)
}

func (e *exporter) Stop() {
	require.NoError(e.t, e.file.Close())
	require.NoError(e.t, os.Remove(e.file.Name()))
}

func (e *exporter) Generate() []receivertest.UniqueIDAttrVal {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	name := fmt.Sprintf("user-%06d", e.n)
	if _, err := e.file.WriteString(exportLine(name, e.n)); err != nil {
		e.t.Error(err)
	}
	return []receivertest.UniqueIDAttrVal{receivertest.UniqueIDAttrVal(name)}
}

// named is next behind a processor that gives each record the attribute by which the checker knows it.
func named(next consumer.Logs) consumer.Logs {
	out, _ := consumer.NewLogs(func(ctx context.Context, logs plog.Logs) error {
		for _, resource := range logs.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					user, _ := record.Attributes().Get("user.name")
					record.Attributes().PutStr(receivertest.UniqueIDAttrName, user.Str())
				}
			}
		}
		return next.ConsumeLogs(ctx, logs)
	}, consumer.WithCapabilities(consumer.Capabilities{MutatesData: true}))
	return out
}

func TestTheCollectorsConsumeContract(t *testing.T) {
	dir := t.TempDir()
	factory := receiver.NewFactory(componentType, createDefaultConfig, receiver.WithLogs(
		func(ctx context.Context, set receiver.Settings, config component.Config, next consumer.Logs) (receiver.Logs, error) {
			made, err := createLogsReceiver(ctx, set, config, named(next))
			if err != nil {
				return nil, err
			}
			made.emitter.retry = retryPolicy{firstPause: time.Millisecond, longestPause: 10 * time.Millisecond}
			return made, nil
		}, componentStability))
	receivertest.CheckConsumeContract(receivertest.CheckConsumeContractParams{
		T: t, Factory: factory, Signal: pipeline.SignalLogs, Config: fileConfig(t, filepath.Join(dir, "*.jsonl")),
		Generator: &exporter{t: t, dir: dir}, GenerateCount: 1000,
	})
}
