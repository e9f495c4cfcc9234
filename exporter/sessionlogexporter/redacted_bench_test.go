//go:build unix

package sessionlogexporter

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
)

// BenchmarkRedacted is the processor time from ConsumeLogs to commit by what redact hides. One login in ten has failed.
func BenchmarkRedacted(b *testing.B) {
	for _, preset := range []string{redaction.PresetNone, redaction.PresetEvidence, redaction.PresetGDPR} {
		b.Run(preset, func(b *testing.B) {
			r := startExporter(b, func(c *Config) {
				if c.Redact.Preset = preset; preset != redaction.PresetNone {
					c.Redact.Key = "0123456789abcdef"
				}
			}, nil)
			var used time.Duration
			for n := range b.N {
				b.StopTimer()
				batch := testEvents(n*benchBatchSize, (n+1)*benchBatchSize)
				b.StartTimer()
				before := processorTime(b)
				sendBatches(b, r, []plog.Logs{batch}, 1)
				used += processorTime(b) - before
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*benchBatchSize), "cpu-ns/record")
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
