package postgresql

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

const benchBatch = 8192

// BenchmarkWrite is the backend: durable, each record once. BenchmarkPlainCopy is what PostgreSQL does at most with the same
// rows in the same batches, deduplicated by nobody.
func BenchmarkWrite(b *testing.B) {
	benchmarkVersions(b, func(b *testing.B, cfg Config) {
		s := startStore(b, cfg)
		events := 0
		b.ReportAllocs()
		for b.Loop() {
			res, err := s.Write(b.Context(), typical(events, events+benchBatch))
			if err != nil || res.Written != benchBatch {
				b.Fatal(res, err)
			}
			events += benchBatch
		}
		b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "records/s")
	})
}

func BenchmarkPlainCopy(b *testing.B) {
	for _, indexes := range []string{"", " INCLUDING INDEXES"} {
		b.Run("LIKE session_events"+indexes, func(b *testing.B) {
			benchmarkVersions(b, func(b *testing.B, cfg Config) { plainCopy(b, cfg, indexes) })
		})
	}
}

// plainCopy encodes outside of the clock.
func plainCopy(b *testing.B, cfg Config, indexes string) {
	s := startStore(b, cfg)
	conn, err := s.connect(b.Context())
	require.NoError(b, err)
	defer logOut(conn)
	require.NoError(b, exec(b.Context(), conn, "CREATE TABLE plain (LIKE session_events"+indexes+")"))
	batch := newCopyBatch()
	events := 0
	for b.Loop() {
		b.StopTimer()
		batch.reset()
		typical(events, events+benchBatch)(func(i int, e *session.Event) bool { return add(batch, i, e) == "" })
		b.StartTimer()
		if err := batch.send(b.Context(), conn, "COPY plain FROM STDIN (FORMAT binary)"); err != nil {
			b.Fatal(err)
		}
		events += benchBatch
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkEncode is our own part of a write.
func BenchmarkEncode(b *testing.B) {
	batch := newCopyBatch()
	events := 0
	b.ReportAllocs()
	for b.Loop() {
		batch.reset()
		typical(events, events+benchBatch)(func(i int, e *session.Event) bool { return add(batch, i, e) == "" })
		events += benchBatch
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "records/s")
}

func benchmarkVersions(b *testing.B, f func(*testing.B, Config)) {
	for _, version := range []int{15, 18} {
		b.Run(fmt.Sprintf("PostgreSQL %d", version), func(b *testing.B) {
			f(b, testConfig(b, postgresql.Start(b, postgresql.Version(version))))
		})
	}
}
