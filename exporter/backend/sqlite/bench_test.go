package sqlite_test

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite/sqlitetest"
)

// batch is what the exporter hands over at once under load.
const batch = 8192

func started(tb testing.TB) backend.Backend {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(tb.TempDir(), "session_log.db")
	b, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(tb, err)
	require.NoError(tb, b.Start(context.Background()))
	tb.Cleanup(func() { require.NoError(tb, b.Shutdown(context.Background())) })
	return b
}

// BenchmarkWrite is durable, deduplicated and indexed. BenchmarkLimit is what it is to be compared with.
func BenchmarkWrite(b *testing.B) {
	s, batches := started(b), sqlitetest.NewBatches(batch, 0)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		res, err := s.Write(context.Background(), batches.Next())
		if err != nil || res.Written != batch {
			b.Fatal(res, err)
		}
		n += batch
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkLimit(b *testing.B) { sqlitetest.Limit(b, batch) }

// BenchmarkRepeat writes what is there already: an overlap that is read again.
func BenchmarkRepeat(b *testing.B) {
	s := started(b)
	events := sqlitetest.NewBatches(batch, 0).Next()
	_, err := s.Write(context.Background(), events)
	require.NoError(b, err)
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		res, err := s.Write(context.Background(), events)
		if err != nil || res.Duplicates != batch {
			b.Fatal(res, err)
		}
		n += batch
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkSingle is one caller with one event at a time: a wait for the disk each.
func BenchmarkSingle(b *testing.B) {
	s, batches := started(b), sqlitetest.NewBatches(1, 0)
	for b.Loop() {
		if _, err := s.Write(context.Background(), batches.Next()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkManyCallers shows the group commit: callers with one event each share the waits.
func BenchmarkManyCallers(b *testing.B) {
	s := started(b)
	var callers atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		batches := sqlitetest.NewBatches(1, int(callers.Add(1)))
		for pb.Next() {
			if _, err := s.Write(context.Background(), batches.Next()); err != nil {
				b.Error(err)
			}
		}
	})
}

// TestAllocations: a batch costs a few allocations, a record none.
func TestAllocations(t *testing.T) {
	s, batches := started(t), sqlitetest.NewBatches(2000, 0)
	perBatch := testing.AllocsPerRun(5, func() {
		if _, err := s.Write(context.Background(), batches.Next()); err != nil {
			t.Error(err)
		}
	})
	require.Less(t, perBatch, 100.0)
}
