package file_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// BenchmarkLines reads a file of each format in three ways; one op is one line, and cpu-s/M is what a million of them cost the
// whole process in CPU seconds.
//
//   - source: the whole of it, up to records for a consumer that does nothing
//   - floor: bufio's scanner over the same file, which looks at nothing
//   - maps: the way of the collector's general receivers, for lines that are objects: each into a map[string]any, and that into
//     a record's attributes, a hundred records at a time
//
// SESSIONLOG_BENCH_ROWS is the number of lines, otherwise 200,000.
func BenchmarkLines(b *testing.B) {
	lines := 200_000
	if n, err := strconv.Atoi(os.Getenv("SESSIONLOG_BENCH_ROWS")); err == nil {
		lines = n
	}
	for i := range bulks {
		format := &bulks[i]
		b.Run(format.format, func(b *testing.B) {
			path, n := goodLines(b, format, lines)
			b.Run("source", func(b *testing.B) { measure(b, n, func() { sourceToConsumer(b, format, path) }) })
			b.Run("floor", func(b *testing.B) { measure(b, n, func() { scan(b, path, func([]byte) {}) }) })
			if format.json {
				b.Run("maps", func(b *testing.B) { measure(b, n, func() { mapsToConsumer(b, path) }) })
			}
		})
	}
}

// goodLines writes a file, and gives its path and the number of its lines.
func goodLines(b *testing.B, format *bulk, lines int) (path string, n int) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "log")
	f, err := os.Create(path)
	require.NoError(b, err)
	w := bufio.NewWriterSize(f, 1<<20)
	for i := 0; n < lines; i++ {
		story, _ := format.story(i, i, "u"+fmt.Sprint(i%1000))
		for _, line := range story {
			_, err = w.WriteString(line)
			require.NoError(b, err)
			n++
		}
	}
	require.NoError(b, w.Flush())
	require.NoError(b, f.Close())
	return path, n
}

// measure reads the file as often as it takes.
func measure(b *testing.B, lines int, read func()) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	before, done := cpu(b), 0
	for done < b.N {
		read()
		done += lines
	}
	// An op is a line, also where more were read than asked for.
	per := 1e6 / float64(done)
	b.ReportMetric((cpu(b)-before).Seconds()*per, "cpu-s/M")
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(done), "ns/op")
}

// cpu is what this process has used, user and system.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sourceToConsumer does what the receiver does with a source: its events become records.
func sourceToConsumer(b *testing.B, format *bulk, path string) {
	b.Helper()
	host, next, events := sourcetest.Host(b, &sourcetest.Recorder{}, &sourcetest.Store{}, nil), consumertest.NewNop(), 0
	encoder := plogs.NewEncoder("bench")
	host.Emit = func(ctx context.Context, batch []session.Event) error {
		events += len(batch)
		return next.ConsumeLogs(ctx, encoder.Encode(batch))
	}
	require.NoError(b, newSource(b, format.config(path)).Run(b.Context(), host))
	require.NotZero(b, events)
}

func scan(b *testing.B, path string, line func([]byte)) {
	b.Helper()
	f, err := os.Open(path)
	require.NoError(b, err)
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 256<<10), 16<<20)
	for s.Scan() {
		line(s.Bytes())
	}
	require.NoError(b, s.Err())
}

// mapsToConsumer takes the lines as the general receivers do, with no knowledge of what they mean: not one of them is tied to
// another, named or given an id.
func mapsToConsumer(b *testing.B, path string) {
	b.Helper()
	next, batch := consumertest.NewNop(), 0
	logs, records := plog.Logs{}, plog.LogRecordSlice{}
	flush := func() {
		if batch > 0 {
			require.NoError(b, next.ConsumeLogs(b.Context(), logs))
		}
		logs, batch = plog.NewLogs(), 0
		records = logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	}
	flush()
	scan(b, path, func(line []byte) {
		var object map[string]any
		require.NoError(b, json.Unmarshal(line, &object))
		record := records.AppendEmpty()
		record.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		record.Body().SetStr(string(line))
		require.NoError(b, record.Attributes().FromRaw(object))
		if batch++; batch == 100 {
			flush()
		}
	})
	flush()
}
