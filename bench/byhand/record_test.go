package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/bench/input"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/formats"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// TestTheSameRecordsAsOurs: else the comparison would be of two different things.
func TestTheSameRecordsAsOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows")
	_, err := input.Formats["JSONEachRow"].Write(path, "../..", 5000, 1)
	require.NoError(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)

	format, _ := logformat.FindFormat(formats.All(), "JSONEachRow")
	parser := format.New(logformat.Options{Instance: "bench", Zone: time.UTC})
	var batch logformat.EventBatch
	var want []string
	encode := func() {
		want = append(want, lines(t, plogs.NewEncoder("").Encode(batch.Events))...)
		batch.Cut(0)
	}
	offset := int64(0)
	for line := range bytes.Lines(text) {
		require.NoError(t, parser.Parse(string(line), offset, &batch))
		if offset += int64(len(line)); len(batch.Events) == batchRows {
			encode()
		}
	}
	encode()
	var got []string
	require.NoError(t, convert(bytes.NewReader(text), func(logs plog.Logs) { got = append(got, lines(t, logs)...) }))
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
}

// lines are the records as text, each on its own, without when they were read.
func lines(t *testing.T, logs plog.Logs) (all []string) {
	t.Helper()
	for _, resource := range logs.ResourceLogs().All() {
		for _, scope := range resource.ScopeLogs().All() {
			for _, record := range scope.LogRecords().All() {
				one := plog.NewLogs()
				to := one.ResourceLogs().AppendEmpty()
				to.SetSchemaUrl(resource.SchemaUrl())
				resource.Resource().CopyTo(to.Resource())
				toScope := to.ScopeLogs().AppendEmpty()
				toScope.SetSchemaUrl(scope.SchemaUrl())
				scope.Scope().CopyTo(toScope.Scope())
				record.CopyTo(toScope.LogRecords().AppendEmpty())
				toScope.LogRecords().At(0).SetObservedTimestamp(0)
				text, err := new(plog.JSONMarshaler).MarshalLogs(one)
				require.NoError(t, err)
				all = append(all, string(text))
			}
		}
	}
	return all
}

// BenchmarkRow is a row's way from its line to its record.
func BenchmarkRow(b *testing.B) {
	path := filepath.Join(b.TempDir(), "rows")
	_, err := input.Formats["JSONEachRow"].Write(path, "../..", 20*batchRows, 1)
	require.NoError(b, err)
	text, err := os.ReadFile(path)
	require.NoError(b, err)
	b.Run("by hand", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, convert(bytes.NewReader(text), func(plog.Logs) {}))
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*20*batchRows), "ns/row")
	})
	b.Run("ours", func(b *testing.B) {
		format, _ := logformat.FindFormat(formats.All(), "JSONEachRow")
		encoder := plogs.NewEncoder("")
		var batch logformat.EventBatch
		for b.Loop() {
			parser := format.New(logformat.Options{Instance: "bench", Zone: time.UTC})
			offset := int64(0)
			for line := range bytes.Lines(text) {
				require.NoError(b, parser.Parse(string(line), offset, &batch))
				if offset += int64(len(line)); len(batch.Events) == batchRows {
					encoder.Encode(batch.Events)
					batch.Cut(0)
				}
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*20*batchRows), "ns/row")
	})
}
