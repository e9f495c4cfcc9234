package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// documentsThroughKafka sends the same logins as OTLP and as ECS documents, takes both out again, and writes a file of bodies in ECS.
// %[1]s is a folder, %[2]s the address of a broker, %[3]s a log of sshd.
const documentsThroughKafka = `
receivers:
  sessionlog: {file: {include: ["%[3]s"], format: sshd, timezone: UTC, undecided_after: 100ms}, instance: web-1}
  kafka/otlp: {brokers: ["%[2]s"], logs: {topics: [otlp]}, group_id: a, initial_offset: earliest}
  kafka/ecs: {brokers: ["%[2]s"], logs: {topics: [ecs], encoding: raw}, group_id: b, initial_offset: earliest}
processors:
  sessionlog_shape: {format: ecs}
exporters:
  kafka/otlp: {brokers: ["%[2]s"], logs: {topic: otlp}}
  kafka/ecs: {brokers: ["%[2]s"], logs: {topic: ecs, encoding: sessionlog_encoding}}
  file/direct: {path: "%[1]s/direct", flush_interval: 20ms}
  file/otlp: {path: "%[1]s/otlp", flush_interval: 20ms}
  file/ecs: {path: "%[1]s/ecs", flush_interval: 20ms}
  file/bodies: {path: "%[1]s/bodies", flush_interval: 20ms}
extensions:
  sessionlog_encoding: {shape: ecs}
service:
  extensions: [sessionlog_encoding]
  telemetry: {metrics: {level: none}, logs: {level: error}}
  pipelines:
    logs: {receivers: [sessionlog], exporters: [kafka/otlp, kafka/ecs, file/direct]}
    logs/shaped: {receivers: [sessionlog], processors: [sessionlog_shape], exporters: [file/bodies]}
    logs/otlp: {receivers: [kafka/otlp], exporters: [file/otlp]}
    logs/ecs: {receivers: [kafka/ecs], exporters: [file/ecs]}
`

// TestDocumentsThroughKafka: the record ids of the events, of the OTLP that came back, of the lines in the topic and of the bodies are the same.
func TestDocumentsThroughKafka(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "otlp", "ecs"))
	require.NoError(t, err)
	t.Cleanup(broker.Close)
	dir := t.TempDir()
	log, err := filepath.Abs("../../internal/dialect/sshlog/testdata/ids/sshd")
	require.NoError(t, err)
	runCollector(t, fmt.Sprintf(documentsThroughKafka, dir, broker.ListenAddrs()[0], log))
	var ids map[string][]string
	require.Eventually(t, func() bool {
		ids = map[string][]string{}
		for _, name := range []string{"direct", "otlp", "ecs", "bodies"} {
			ids[name] = idsIn(t, filepath.Join(dir, name))
		}
		return len(ids["direct"]) >= 5 && len(ids["otlp"]) == len(ids["direct"]) && len(ids["ecs"]) == len(ids["direct"]) && len(ids["bodies"]) == len(ids["direct"])
	}, 20*time.Second, 50*time.Millisecond, "%v", ids)
	require.Equal(t, ids["direct"], ids["otlp"])
	require.Equal(t, ids["direct"], ids["ecs"])
	require.Equal(t, ids["direct"], ids["bodies"])
}

// idsIn are the record ids in a file of OTLP JSON: of events, or of ECS documents that are the bodies or the lines of bodies.
func idsIn(t *testing.T, name string) (ids []string) {
	t.Helper()
	text, _ := os.ReadFile(name) //nolint:gosec // the test's own folder
	for line := range bytes.Lines(text) {
		logs, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err != nil {
			continue // it is being written
		}
		for _, resource := range logs.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					ids = append(ids, idsOf(t, record)...)
				}
			}
		}
	}
	slices.Sort(ids)
	return ids
}

func idsOf(t *testing.T, record plog.LogRecord) (ids []string) {
	t.Helper()
	uid, isEvent := record.Attributes().Get("log.record.uid")
	body := record.Body().AsString()
	if record.Body().Type() == pcommon.ValueTypeBytes { // a message as it was
		body = string(record.Body().Bytes().AsRaw())
	}
	if !strings.HasPrefix(body, "{") {
		require.True(t, isEvent && plogs.IsEvent(record))
		return []string{uid.Str()}
	}
	for line := range strings.Lines(body) {
		var document struct {
			Event struct{ ID string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &document), line)
		_, valid := session.ParseID(document.Event.ID)
		require.True(t, valid, line)
		require.True(t, !isEvent || uid.Str() == document.Event.ID, "attributes and record id stay")
		ids = append(ids, document.Event.ID)
	}
	return ids
}
