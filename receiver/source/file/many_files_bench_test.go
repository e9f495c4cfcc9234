package file_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// manyFiles is how many small files a folder has in BenchmarkManyFiles.
const manyFiles = 5000

// smallFiles gives a small text in each of these formats, with one event that the text alone decides, and a line more.
var smallFiles = map[string]func(n int) (text, more string){
	"JSONEachRow": func(n int) (text, more string) { return rowOf(fmt.Sprint("a", n)), rowOf(fmt.Sprint("b", n)) },
	"sshd": func(n int) (text, more string) {
		const accepted = "2026-11-21T22:03:57Z vm sshd[%d]: Accepted password for alice from 10.6.6.6 port 6 ssh2\n"
		return fmt.Sprintf(accepted, n), fmt.Sprintf(accepted, 100_000+n)
	},
	"stderr": func(n int) (text, more string) {
		failed := func(pid int) string {
			return received(0, pid) + line(0, pid, "FATAL", `password authentication failed for user "alice"`) +
				line(0, pid, "DETAIL", `Role "alice" does not exist.`) + received(0, 200_000+pid) + received(0, 400_000+pid)
		}
		return failed(n), failed(100_000 + n)
	},
}

// BenchmarkManyFiles reads a folder of small files, then waits, then reads one line more. It reports the seconds of the first
// reading, the share of one core that waiting takes, and the milliseconds until the further line is delivered.
func BenchmarkManyFiles(b *testing.B) {
	for _, format := range []string{"JSONEachRow", "sshd", "stderr"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				readManyFiles(b, format)
			}
		})
	}
}

func readManyFiles(b *testing.B, format string) {
	dir := b.TempDir()
	for n := range manyFiles {
		text, _ := smallFiles[format](n)
		write(b, filepath.Join(dir, fmt.Sprintf("%05d.log", n)), text)
	}
	cfg := config(filepath.Join(dir, "*.log"))
	cfg.Format, cfg.PollInterval = format, time.Second
	if format == "stderr" {
		cfg.LogLinePrefix = "%m [%p] %c %q%u@%d "
	}
	delivered := atomic.Int64{}
	host := sourcetest.Host(b, &sourcetest.Recorder{}, &sourcetest.Store{}, &sourcetest.Stats{})
	host.Emit = func(_ context.Context, batch []session.Event) error {
		delivered.Add(int64(len(batch)))
		return nil
	}
	src, done := newSource(b, cfg), make(chan error, 1)
	ctx, cancel := context.WithCancel(b.Context())
	begin := time.Now()
	go func() { done <- src.Run(ctx, host) }()
	for delivered.Load() < manyFiles && time.Since(begin) < 5*time.Minute {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(time.Since(begin).Seconds(), "first-s")
	time.Sleep(2 * time.Second)
	cpu, from := cpuTime(b), time.Now()
	time.Sleep(4 * time.Second)
	b.ReportMetric(100*(cpuTime(b)-cpu).Seconds()/time.Since(from).Seconds(), "idle-%")
	_, more := smallFiles[format](0)
	appendTo(b, filepath.Join(dir, "00000.log"), more)
	begin = time.Now()
	for delivered.Load() < manyFiles+1 && time.Since(begin) < 5*time.Minute {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(time.Since(begin).Milliseconds()), "further-ms")
	cancel()
	require.NoError(b, <-done)
	require.EqualValues(b, manyFiles+1, delivered.Load())
}

// cpuTime is what this process has used of all cores.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
