package file_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
)

// What a file costs once it was read is no matter of its size: parsers hold on to their last record, not to all that came with it.
func TestFilesThatWereReadHoldOnToLittle(t *testing.T) {
	const files, lines, most = 20, 1500, 64 << 10
	dir := t.TempDir()
	for file := range files {
		var text strings.Builder
		for n := range lines {
			fmt.Fprintf(&text, "20261121 22:%02d:%02d,vm,alice,10.0.0.7,%d,0,FAILED_CONNECT,,a_database_with_a_long_name_that_is_not_there,,1049\n", file, n/1000, n)
		}
		write(t, filepath.Join(dir, fmt.Sprint(file)), text.String())
	}
	cfg := config(filepath.Join(dir, "*"))
	cfg.BatchSize = 64
	before := heap()
	j, told := newJob(t), atomic.Int64{}
	ctx, cancel := context.WithCancel(t.Context())
	j.cancel = cancel
	host := sourcetest.Host(t, j.Recorder, &sourcetest.Store{}, &j.stats)
	host.Emit = func(_ context.Context, batch []session.Event) error { // keeps nothing
		told.Add(int64(len(batch)))
		return nil
	}
	src := newSource(t, cfg)
	go func() { j.done <- src.Run(ctx, host) }()
	await(t, "the files were not told", func() bool { return told.Load() == files*lines })
	grown := heap() - before
	j.stop(t)
	require.Less(t, grown, int64(files*most))
}

// heap is what is in use, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // of this machine
}
