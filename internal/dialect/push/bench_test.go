package push

import (
	"testing"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/push/pushtest"
	"github.com/otel-sessionlog/sessionlog/session"
)

const benchLines = 1000

var benchBody = pushtest.Body(benchLines)

// countingSink keeps nothing.
type countingSink struct {
	slot session.Event
	n    int
}

func (c *countingSink) Slot(int) (*session.Event, error) { return &c.slot, nil }
func (c *countingSink) Keep(int)                         { c.n++; c.slot.Reset() }
func (c *countingSink) Bad(int, error)                   {}
func (c *countingSink) Other(int)                        {}

func perLine(b *testing.B) {
	b.SetBytes(int64(len(benchBody)))
	b.ReportAllocs()
	b.Cleanup(func() { b.ReportMetric(float64(b.N)*benchLines/b.Elapsed().Seconds(), "records/s") })
}

// BenchmarkRead is NDJSON to events, ids and all.
func BenchmarkRead(b *testing.B) {
	perLine(b)
	var r Reader
	sink := &countingSink{}
	for b.Loop() {
		if err := r.Read(NativeDialect, FramingLines, benchBody, testOrigin, sink); err != nil {
			b.Fatal(err)
		}
	}
	require.Equal(b, b.N*benchLines, sink.n)
}

// BenchmarkLimit is the JSON library alone on the same bytes.
func BenchmarkLimit(b *testing.B) {
	for name, read := range map[string]func(*jx.Decoder, []byte) error{"decode": pushtest.Decode, "texts": pushtest.Texts, "walk": pushtest.Walk} {
		b.Run(name, func(b *testing.B) {
			perLine(b)
			var d jx.Decoder
			for b.Loop() {
				require.NoError(b, read(&d, benchBody))
			}
		})
	}
}

func TestReadingDoesNotAllocate(t *testing.T) {
	var r Reader
	sink := &countingSink{}
	read := func() { require.NoError(t, r.Read(NativeDialect, FramingLines, benchBody, testOrigin, sink)) }
	read() // the scratch grows once
	require.Less(t, testing.AllocsPerRun(5, read)/benchLines, 0.05, "allocations per record")
}
