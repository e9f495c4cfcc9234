//go:build unix

package shape

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// BenchmarkShapes puts each shape beside OTLP's JSON of the same events, in one run: of_otlp_json is the ratio of the processor time of the process,
// collection of garbage included, and should stay below a half.
func BenchmarkShapes(b *testing.B) {
	events := make([]session.Event, 100)
	for i := range events {
		sessiontest.Typical(&events[i], i)
	}
	logs := plogs.NewEncoder("1").Encode(events)
	for _, format := range Formats() {
		b.Run(string(format), func(b *testing.B) {
			s := New(format, everyKind)
			var out []byte
			var shaping, otlp time.Duration
			turns := 0
			for b.Loop() {
				turns++
				shaping += processorTime(b, func() {
					out = out[:0]
					for i := range events {
						out = append(s.Append(out, &events[i]), '\n')
					}
				})
				otlp += processorTime(b, func() { _, _ = (&plog.JSONMarshaler{}).MarshalLogs(logs) })
			}
			b.ReportMetric(float64(shaping)/float64(otlp), "of_otlp_json")
			b.ReportMetric(float64(shaping)/float64(turns*timesInARow*len(events)), "ns/event")
			b.ReportMetric(0, "ns/op")
		})
	}
}

const timesInARow = 200

// processorTime is of all threads, with the garbage that run leaves.
func processorTime(b *testing.B, run func()) time.Duration {
	b.Helper()
	runtime.GC()
	before := processTime(b)
	for range timesInARow {
		run()
	}
	runtime.GC()
	return processTime(b) - before
}

func processTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
