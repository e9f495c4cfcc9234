package sessionlogexporter

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite/sqlitetest"
)

// benchBatchSize is how many records a call has: the size of a batch.
const benchBatchSize = 8192

// BenchmarkConsume is the way from ConsumeLogs to durable, with the settings that ship; BenchmarkLimit is the store's
// driver alone with the same rows.
func BenchmarkConsume(b *testing.B) {
	b.Run("callers=1", func(b *testing.B) { benchConsume(b, nil, 1, benchBatchSize) })
	b.Run("callers=4", func(b *testing.B) { benchConsume(b, nil, 4, benchBatchSize) })
}

// BenchmarkLimit is what BenchmarkConsume is measured by.
func BenchmarkLimit(b *testing.B) { sqlitetest.Limit(b, benchBatchSize) }

// BenchmarkSmallCalls is what a sender of ten records waits for, alone and among others.
func BenchmarkSmallCalls(b *testing.B) {
	b.Run("callers=1", func(b *testing.B) { benchConsume(b, nil, 1, 10) })
	b.Run("callers=64", func(b *testing.B) { benchConsume(b, nil, 64, 10) })
}

// benchConsume makes b.N calls of size new records each, from several callers. The records of the next few calls are made while
// the clock stands.
func benchConsume(b *testing.B, edit func(*Config), callers, size int) {
	r := startExporter(b, edit, nil)
	var made, at int
	var cpu time.Duration
	batches := make([]plog.Logs, 0, max(4*callers, 16))
	b.ReportAllocs()
	for made < b.N {
		b.StopTimer()
		batches = batches[:0]
		for len(batches) < cap(batches) && made < b.N {
			batches = append(batches, testEvents(at, at+size))
			at += size
			made++
		}
		used := processorTime(b)
		b.StartTimer()
		sendBatches(b, r, batches, callers)
		cpu += processorTime(b) - used
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(cpu.Seconds()*1e6/float64(b.N*size), "cpu-s/million")
}

func sendBatches(b *testing.B, r *testExporter, batches []plog.Logs, callers int) {
	var all sync.WaitGroup
	var next atomic.Int64
	for range callers {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(batches)); i = next.Add(1) - 1 {
				if err := r.ConsumeLogs(b.Context(), batches[i]); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
}
