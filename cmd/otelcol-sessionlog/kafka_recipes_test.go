package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestEventsThroughKafka: what examples/recipes/kafka sends into a topic and takes out of it again is what goes straight into a table, ids and all.
func TestEventsThroughKafka(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "sessionlog"))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	dir := t.TempDir()
	showLogOf(t, dir)
	direct := filepath.Join(dir, "direct")
	t.Setenv("KAFKA_BROKERS", broker.ListenAddrs()[0])
	t.Setenv("SESSIONLOG_DATA", dir)
	log, err := filepath.Abs("../../internal/dialect/sshlog/testdata/ids/sshd")
	require.NoError(t, err)
	stop := startCollectorOf(t, filepath.Join(recipesFolder, "kafka/to-kafka.yaml"), filepath.Join(recipesFolder, "kafka/from-kafka.yaml"), overridesFile(t, map[string]any{
		"receivers": map[string]any{"sessionlog/sshd": map[string]any{"file": map[string]any{"include": []string{log}, "undecided_after": "100ms"}}},
		"exporters": map[string]any{"sessionlog/direct": map[string]any{"sqlite": map[string]any{"path": filepath.Join(direct, "session_log.db")}}},
		"service": map[string]any{
			"extensions": []string{"file_storage", "sessionlog_delivery"},
			"telemetry":  quietTelemetry(filepath.Join(dir, "collector.log")),
			"pipelines":  map[string]any{"logs/to_kafka": map[string]any{"exporters": []string{"kafka", "sessionlog/direct"}}},
		},
	}))
	const count = "SELECT count(*) FROM session_events"
	require.Eventually(t, func() bool {
		n := rowsOf(t, direct, count)
		return n == 5 && rowsOf(t, dir, count) == n
	}, 20*time.Second, 20*time.Millisecond)
	stop()
	require.Equal(t, storedEvents(t, direct), storedEvents(t, dir))
	warnings, err := os.ReadFile(filepath.Join(dir, "collector.log")) //nolint:gosec // the test's own
	require.NoError(t, err)
	require.NotContains(t, string(warnings), "events can be lost", "the settings are the safe ones")
}

// TestSignInsThroughEventHub: several records in one message, with Event Hub's way to log in, become the events that the files become.
func TestSignInsThroughEventHub(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "insights-logs-signinlogs"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "$ConnectionString", "x"))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	dir := t.TempDir()
	showLogOf(t, dir)
	t.Setenv("SESSIONLOG_DATA", dir)
	t.Setenv("EVENT_HUB", broker.ListenAddrs()[0])
	t.Setenv("EVENT_HUB_CONNECTION", "x")
	sample, err := os.ReadFile(filepath.Join(recipesFolder, "entra/sample.log"))
	require.NoError(t, err)
	message := filepath.Join(dir, "message")
	records := strings.ReplaceAll(strings.TrimSpace(string(sample)), "\n", ",")
	require.NoError(t, os.WriteFile(message, []byte(`{"records":[`+records+"]}\n"), 0o600))
	stop := startCollectorOf(t, filepath.Join(recipesFolder, "common.yaml"), filepath.Join(recipesFolder, "entra/collector.yaml"),
		filepath.Join(recipesFolder, "entra/event-hub.yaml"), overridesFile(t, map[string]any{
			"receivers": map[string]any{
				"kafka/entra":  map[string]any{"tls": map[string]any{"insecure": true}},
				"file_log/hub": map[string]any{"include": []string{message}, "start_at": "beginning", "poll_interval": "20ms"},
			},
			"exporters": map[string]any{"kafka/hub": map[string]any{
				"brokers": []string{"${env:EVENT_HUB}"}, "logs": map[string]any{"topic": "insights-logs-signinlogs", "encoding": "raw"},
				"auth": map[string]any{"sasl": map[string]any{"mechanism": "PLAIN", "username": "$$ConnectionString", "password": "x"}},
			}},
			"service": map[string]any{
				"telemetry": quietTelemetry(filepath.Join(dir, "collector.log")),
				"pipelines": map[string]any{"logs/hub": map[string]any{"receivers": []string{"file_log/hub"}, "processors": []string{"transform/json"}, "exporters": []string{"kafka/hub"}}},
			},
		}))
	want, err := os.ReadFile(filepath.Join(recipesFolder, "entra/want.jsonl"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	require.Eventually(t, func() bool { return rowsOf(t, dir, "SELECT count(*) FROM session_events") == len(lines) }, 20*time.Second, 20*time.Millisecond)
	stop()
	require.Equal(t, lines, storedEvents(t, dir))
}

// showLogOf shows why a test failed.
func showLogOf(t *testing.T, dir string) {
	t.Helper()
	t.Cleanup(func() {
		if text, err := os.ReadFile(filepath.Join(dir, "collector.log")); t.Failed() && err == nil { //nolint:gosec // the test's own
			t.Logf("the collector's log:\n%s", text)
		}
	})
}

// overridesFile is a configuration in JSON, which YAML takes.
func overridesFile(t *testing.T, overrides map[string]any) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "overrides.yaml")
	text, err := json.Marshal(overrides)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, text, 0o600))
	return name
}
