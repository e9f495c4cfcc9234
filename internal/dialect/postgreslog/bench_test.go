package postgreslog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
)

func allFormats() []logformat.Format { return postgreslog.Formats() }

// Lines cost no memory but the text that they came in, except of a connection what is kept until its verdict.
func TestLinesCostNoAllocation(t *testing.T) {
	for _, f := range samples[:2] {
		p, batch := newTextParser(t, f.format, options()), &logformat.EventBatch{}
		all := records(p, content(t, "15", f.file))
		run := func() {
			batch.Cut(0)
			for _, record := range all {
				_ = p.Parse(record, 1, batch)
			}
			p.FlushDue(far, batch)
		}
		run()
		require.LessOrEqual(t, testing.AllocsPerRun(10, run), 100.0, f.format) // of some 90 lines: a connection and its place in a queue
	}
	p, batch := newTextParser(t, "stderr", options()), &logformat.EventBatch{}
	line := "2026-11-21 21:47:39.842 UTC [7036] postgres@postgres 127.0.0.1 psql LOG:  disconnection: session time: 0:00:00.374 user=postgres database=postgres host=127.0.0.1 port=45930\n"
	require.NoError(t, p.Parse(line, 0, batch))
	require.Zero(t, testing.AllocsPerRun(100, func() { batch.Cut(0); _ = p.Parse(line, 1, batch) }))
}

// BenchmarkParse reads the real logs over and over: text to events, ids and all. One op is one record.
func BenchmarkParse(b *testing.B) {
	for _, version := range []string{"15", "18"} {
		for _, f := range samples {
			b.Run(version+"/"+f.format, func(b *testing.B) {
				text := content(b, version, f.file)
				p, batch := newTextParser(b, f.format, options()), &logformat.EventBatch{}
				count := len(records(p, text))
				raw := []byte(text)
				b.SetBytes(int64(len(text) / count))
				b.ReportAllocs()
				for n := 0; n < b.N; n += count {
					batch.Cut(0)
					for at := 0; at < len(text); {
						length := p.Frame(raw[at:], true)
						if err := p.Parse(text[at:at+length], 1, batch); err != nil {
							b.Fatal(err)
						}
						at += length
					}
					p.FlushDue(far, batch)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			})
		}
	}
}
