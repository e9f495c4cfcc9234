package export_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-faster/jx"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog/export"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/logformat"
)

// exportFiles are the same real rows in each format, as a server exported them.
var exportFiles = []struct{ format, path string }{
	{"JSONEachRow", "testdata/session_log.jsonl"},
	{"JSONCompactEachRowWithNames", "testdata/session_log.jsonc"},
	{"CSVWithNames", "testdata/session_log.csv"},
	{"TSVWithNames", "testdata/session_log.tsv"},
}

// BenchmarkParse reads the real rows over and over: text to events, ids and all. One op is one row.
func BenchmarkParse(b *testing.B) {
	for _, f := range exportFiles {
		b.Run(f.format, func(b *testing.B) {
			content, err := os.ReadFile(f.path)
			require.NoError(b, err)
			rows := strings.Count(sampleExport(b), "\n")
			content = []byte(strings.TrimSpace(string(content)) + "\n")
			b.SetBytes(int64(len(content) / rows))
			b.ReportAllocs()
			p := newTestParser(b, f.format)
			batch := &logformat.EventBatch{}
			for n := 0; n < b.N; n += rows {
				batch.Cut(0)
				text, at := string(content), 0
				for at < len(text) {
					length := p.Frame(content[at:], false)
					if err := p.Parse(text[at:at+length], 1, batch); err != nil {
						b.Fatal(err)
					}
					at += length
				}
				if len(batch.Events) != rows {
					b.Fatal(len(batch.Events))
				}
			}
		})
	}
}

// BenchmarkLimit is what a well-known decoder takes to walk the same rows and to make nothing of them.
func BenchmarkLimit(b *testing.B) {
	lines := strings.Split(strings.TrimSpace(sampleExport(b)), "\n")
	b.Run("JSONEachRow", func(b *testing.B) {
		b.SetBytes(int64(len(sampleExport(b)) / len(lines)))
		b.ReportAllocs()
		var d jx.Decoder
		for n := 0; n < b.N; n++ {
			d.ResetBytes([]byte(lines[n%len(lines)]))
			err := d.ObjBytes(func(d *jx.Decoder, _ []byte) error {
				if d.Next() == jx.String {
					_, err := d.Str()
					return err
				}
				return d.Skip()
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

func newTestParser(t testing.TB, format string) logformat.Parser {
	t.Helper()
	f, ok := logformat.FindFormat(export.Formats(), format)
	require.True(t, ok, format)
	return f.New(logformat.Options{Instance: "warehouse", Zone: time.UTC})
}
