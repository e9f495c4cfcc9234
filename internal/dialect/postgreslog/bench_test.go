package postgreslog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/postgreslog"
)

func allFormats() []logformat.Format { return postgreslog.Formats() }

// A connection's lines cost no memory but the text that they came in, once its names are known: in stderr format the text of
// a message that goes over several lines is joined anew.
func TestLinesCostNoAllocation(t *testing.T) {
	for _, f := range samples[:2] {
		p, page := newParser(t, f.format, options()), &logformat.Page{}
		all := records(p, content(t, "15", f.file))
		run := func() {
			page.Cut(0)
			for _, record := range all {
				_ = p.Parse(record, 1, page)
			}
			p.Settle(far, page)
		}
		run()
		require.LessOrEqual(t, testing.AllocsPerRun(10, run), 8.0, f.format) // of some 90 lines: the time runs backwards in every round
	}
	p, page := newParser(t, "stderr", options()), &logformat.Page{}
	line := "2026-11-21 21:47:39.842 UTC [7036] postgres@postgres 127.0.0.1 psql LOG:  disconnection: session time: 0:00:00.374 user=postgres database=postgres host=127.0.0.1 port=45930\n"
	require.NoError(t, p.Parse(line, 0, page))
	require.Zero(t, testing.AllocsPerRun(100, func() { page.Cut(0); _ = p.Parse(line, 1, page) }))
}

// BenchmarkParse reads the real logs over and over: text to events, ids and all. One op is one record.
func BenchmarkParse(b *testing.B) {
	for _, version := range []string{"15", "18"} {
		for _, f := range samples {
			b.Run(version+"/"+f.format, func(b *testing.B) {
				text := content(b, version, f.file)
				p, page := newParser(b, f.format, options()), &logformat.Page{}
				count := len(records(p, text))
				raw := []byte(text)
				b.SetBytes(int64(len(text) / count))
				b.ReportAllocs()
				for n := 0; n < b.N; n += count {
					page.Cut(0)
					for at := 0; at < len(text); {
						length := logformat.Next(p, raw[at:], true)
						if err := p.Parse(text[at:at+length], 1, page); err != nil {
							b.Fatal(err)
						}
						at += length
					}
					p.Settle(far, page)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
			})
		}
	}
}
