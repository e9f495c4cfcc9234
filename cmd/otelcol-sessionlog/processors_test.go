package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/plog"
)

// everyComponent is one collector with a pipeline for each processor, and for each receiver and exporter that comes from contrib.
// %[1]s is a folder, %[2]s the address of a Kafka broker, %[3]s to %[6]s are free addresses.
const everyComponent = `
receivers:
  otlp: {protocols: {http: {endpoint: "%[3]s"}}}
  otlp/limited: {protocols: {http: {endpoint: "%[4]s"}}}
  file_log: {include: ["%[1]s/in.log"], start_at: beginning, poll_interval: 50ms}
  syslog: {protocol: rfc5424, tcp: {listen_address: "%[5]s"}}
  kafka: {brokers: ["%[2]s"], logs: {topics: [logins]}, group_id: test, initial_offset: earliest}
processors:
  transform:
    log_statements:
      - conditions: ['log.attributes["sessionlog.outcome"] == "failure"']
        statements: ['set(log.attributes["class_uid"], 3002)', 'set(log.body, Concat(["login of", log.attributes["user.name"]], " "))']
  filter: {logs: {log_record: ['attributes["sessionlog.outcome"] == "success"']}}
  attributes: {actions: [{key: user.name, action: hash}, {key: app.added, value: yes, action: insert}]}
  resource: {attributes: [{key: deployment.environment.name, value: test, action: upsert}]}
  redaction: {allow_all_keys: true, blocked_values: ["4[0-9]{12}"], summary: debug}
  batch: {timeout: 1s, send_batch_size: 1000}
  memory_limiter: {check_interval: 1s, limit_mib: 4000}
  memory_limiter/small: {check_interval: 10ms, limit_mib: 1, spike_limit_mib: 0}
exporters:
  file/transform: {path: "%[1]s/transform", flush_interval: 20ms}
  file/filter: {path: "%[1]s/filter", flush_interval: 20ms}
  file/attributes: {path: "%[1]s/attributes", flush_interval: 20ms}
  file/resource: {path: "%[1]s/resource", flush_interval: 20ms}
  file/redaction: {path: "%[1]s/redaction", flush_interval: 20ms}
  file/batch: {path: "%[1]s/batch", flush_interval: 20ms}
  file/memory: {path: "%[1]s/memory", flush_interval: 20ms}
  file/limited: {path: "%[1]s/limited", flush_interval: 20ms}
  file/filelog: {path: "%[1]s/filelog", flush_interval: 20ms}
  file/syslog: {path: "%[1]s/syslog", flush_interval: 20ms}
  file/kafka: {path: "%[1]s/kafka", flush_interval: 20ms}
  kafka: {brokers: ["%[2]s"], logs: {topic: logins}}
  prometheus: {endpoint: "%[6]s"}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    logs/transform: {receivers: [otlp], processors: [transform], exporters: [file/transform]}
    logs/filter: {receivers: [otlp], processors: [filter], exporters: [file/filter]}
    logs/attributes: {receivers: [otlp], processors: [attributes], exporters: [file/attributes]}
    logs/resource: {receivers: [otlp], processors: [resource], exporters: [file/resource]}
    logs/redaction: {receivers: [otlp], processors: [redaction], exporters: [file/redaction]}
    logs/batch: {receivers: [otlp], processors: [batch], exporters: [file/batch]}
    logs/memory: {receivers: [otlp], processors: [memory_limiter], exporters: [file/memory]}
    logs/limited: {receivers: [otlp/limited], processors: [memory_limiter/small], exporters: [file/limited]}
    logs/to_kafka: {receivers: [otlp], exporters: [kafka]}
    logs/from_kafka: {receivers: [kafka], exporters: [file/kafka]}
    logs/filelog: {receivers: [file_log], exporters: [file/filelog]}
    logs/syslog: {receivers: [syslog], exporters: [file/syslog]}
    metrics: {receivers: [otlp], exporters: [prometheus]}
`

// TestEveryComponentRuns: the versions of go.mod mix releases, and what compiles need not run. Each component does its work on real input.
func TestEveryComponentRuns(t *testing.T) {
	dir := t.TempDir()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logins"))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "in.log"), []byte("a line of a file\n"), 0o600))
	otlp, limited, syslog, prometheus := freeAddress(t), freeAddress(t), freeAddress(t), freeAddress(t)
	runCollector(t, fmt.Sprintf(everyComponent, dir, broker.ListenAddrs()[0], otlp, limited, syslog, prometheus))

	login := func(user, outcome string) string {
		return fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"sessionlog.login","timeUnixNano":"1795000000000000000","attributes":[
			{"key":"user.name","value":{"stringValue":%q}},{"key":"sessionlog.outcome","value":{"stringValue":%q}},{"key":"card","value":{"stringValue":"4111111111111"}}]}]}]}]}`, user, outcome)
	}
	for _, body := range []string{login("alice", "success"), login("mallory", "failure")} {
		status, answer := post(t, "http://"+otlp+"/v1/logs", body)
		require.Equal(t, http.StatusOK, status, answer)
	}
	status, _ := post(t, "http://"+otlp+"/v1/metrics", `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"sessionlog.logins","sum":
		{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1795000000000000000","asInt":"7"}]}}]}]}]}`)
	require.Equal(t, http.StatusOK, status)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", syslog)
	require.NoError(t, err)
	_, err = io.WriteString(conn, "<38>1 2026-11-28T12:00:00Z host sshd 4711 - - Accepted publickey for alice\n")
	require.NoError(t, err)
	require.NoError(t, conn.Close())

	t.Run("transform", func(t *testing.T) {
		out := written(t, dir, "transform", 2)
		require.Contains(t, out, `"body":{"stringValue":"login of mallory"}`)
		require.Equal(t, 1, strings.Count(out, `{"key":"class_uid","value":{"intValue":"3002"}}`), "the failure alone")
	})
	t.Run("filter", func(t *testing.T) {
		out := written(t, dir, "filter", 1)
		require.Contains(t, out, "mallory")
		require.NotContains(t, out, "alice")
	})
	t.Run("attributes", func(t *testing.T) {
		out := written(t, dir, "attributes", 2)
		require.NotContains(t, out, "mallory")
		require.Contains(t, out, `"app.added"`)
	})
	t.Run("resource", func(t *testing.T) {
		require.Equal(t, 2, strings.Count(written(t, dir, "resource", 2), `"deployment.environment.name"`))
	})
	t.Run("redaction", func(t *testing.T) {
		out := written(t, dir, "redaction", 2)
		require.NotContains(t, out, "4111111111111")
		require.Contains(t, out, `"redaction.masked.count"`)
	})
	t.Run("batch", func(t *testing.T) {
		require.Equal(t, 1, strings.Count(written(t, dir, "batch", 2), "\n"), "two requests are one batch")
	})
	t.Run("memory_limiter", func(t *testing.T) {
		written(t, dir, "memory", 2)
		require.Eventually(t, func() bool {
			status, _ := post(t, "http://"+limited+"/v1/logs", login("alice", "success"))
			return status == http.StatusServiceUnavailable
		}, 10*time.Second, 20*time.Millisecond, "more than 1 MiB is in use: the sender is told to come again")
	})
	t.Run("file_log", func(t *testing.T) { require.Contains(t, written(t, dir, "filelog", 1), "a line of a file") })
	t.Run("syslog", func(t *testing.T) { require.Contains(t, written(t, dir, "syslog", 1), "Accepted publickey for alice") })
	t.Run("kafka", func(t *testing.T) { require.Contains(t, written(t, dir, "kafka", 2), "mallory") })
	t.Run("prometheus", func(t *testing.T) {
		require.Eventually(t, func() bool {
			return strings.Contains(get(t, "http://"+prometheus+"/metrics"), "sessionlog_logins_total")
		}, 10*time.Second, 20*time.Millisecond)
	})
}

// runCollector runs this distribution's components in this process until the test ends.
func runCollector(t *testing.T, config string) {
	t.Helper()
	startCollector(t, config)
}

// startCollector also gives what ends it earlier.
func startCollector(t *testing.T, config string) (stop func()) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "collector.yaml")
	require.NoError(t, os.WriteFile(name, []byte(config), 0o600))
	return startCollectorOf(t, name)
}

// startCollectorOf merges files in the order that --config gives them in.
func startCollectorOf(t *testing.T, files ...string) (stop func()) {
	t.Helper()
	collector, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol-sessionlog"}, Factories: distributionFactories, DisableGracefulShutdown: true,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs: files, ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory()}, DefaultScheme: "env",
		}},
	})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- collector.Run(context.Background()) }()
	stop = sync.OnceFunc(func() {
		collector.Shutdown()
		require.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	for deadline := time.Now().Add(time.Minute); collector.GetState() != otelcol.StateRunning; time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- nil
			t.Fatal("the collector does not start: ", err)
		default:
			require.True(t, time.Now().Before(deadline), "the collector does not start")
		}
	}
	return stop
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(answer)
}

// written waits until the file exporter's file holds n records.
func written(t *testing.T, dir, name string, n int) string {
	t.Helper()
	var text []byte
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, _ = os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // the test's own folder
		if got := records(text); got >= n {
			require.Equal(t, n, got, "%s", text)
			return string(text)
		}
		require.True(t, time.Now().Before(deadline), "%s: not %d records within 20 s:\n%s", name, n, text)
	}
}

func records(text []byte) (n int) {
	for line := range bytes.Lines(text) {
		if logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line); err == nil {
			n += logs.LogRecordCount()
		}
	}
	return n
}
