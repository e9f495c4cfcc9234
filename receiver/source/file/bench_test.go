package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// BenchmarkSource reads a file of real rows, written again and again, to a pipeline that takes everything at once. One op
// is one row. SESSIONLOG_BENCH_ROWS enlarges the file; the peak of the heap shows whether memory grows with it.
func BenchmarkSource(b *testing.B) {
	rows := 200_000
	if n, err := strconv.Atoi(os.Getenv("SESSIONLOG_BENCH_ROWS")); err == nil {
		rows = n
	}
	for _, ext := range []string{"jsonl", "jsonc", "csv", "tsv", "jsonl.gz", "jsonl.zst"} {
		b.Run(ext, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "session_log."+ext)
			plain, packing, _ := strings.Cut(ext, ".")
			text := content(b, exports+"session_log."+plain)
			header, body := "", text
			if plain != "jsonl" {
				header, body, _ = strings.Cut(text, "\n")
				header += "\n"
			}
			times := rows/65 + 1
			switch packing {
			case "gz":
				write(b, path, strings.Repeat(gzipped(b, strings.Repeat(body, 100)), times/100+1))
				times = (times/100 + 1) * 100
			case "zst":
				write(b, path, strings.Repeat(zstandard(b, strings.Repeat(body, 100)), times/100+1))
				times = (times/100 + 1) * 100
			default:
				writeMany(b, path, header, body, times)
			}
			b.SetBytes(int64(len(text) / 65))
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				n += readAll(b, path, times*65)
			}
		})
	}
}

func writeMany(b *testing.B, path, header, body string, times int) {
	b.Helper()
	f, err := os.Create(path)
	require.NoError(b, err)
	_, err = f.WriteString(header)
	require.NoError(b, err)
	for range times {
		_, err = f.WriteString(body)
		require.NoError(b, err)
	}
	require.NoError(b, f.Close())
}

func readAll(b *testing.B, path string, want int) int {
	b.Helper()
	cfg := config(path)
	cfg.Follow = false
	host := sourcetest.Host(b, &sourcetest.Recorder{}, &sourcetest.Store{}, nil)
	n := 0
	host.Emit = func(_ context.Context, batch []session.Event) error {
		n += len(batch)
		return nil
	}
	require.NoError(b, newSource(b, cfg).Run(b.Context(), host))
	require.Equal(b, want, n)
	return n
}
