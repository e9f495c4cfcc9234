package spool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/session"
)

// acceptingExporter takes everything at once: what is measured is the way to the disk.
type acceptingExporter struct{ noExporter }

func (acceptingExporter) Export(context.Context, []sdklog.Record) error { return nil }

// BenchmarkDurableLogin is how many logins a second are on the disk when Login returns, by how many log in at the same time.
func BenchmarkDurableLogin(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			p, err := NewProcessor(filepath.Join(b.TempDir(), "spool"), acceptingExporter{})
			if err != nil {
				b.Fatal(err)
			}
			a := newApp(p)
			b.ReportAllocs()
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						if err := a.Login(b.Context(), sessionlog.User("alice"), sessionlog.AuthMethod(session.AuthPassword), sessionlog.DurableWithin(testTimeout)); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "logins/s")
			a.shutdownApp(b)
		})
	}
}

// BenchmarkLimit is what the disk does at best for one caller: the bytes of such a login, and an fsync.
func BenchmarkLimit(b *testing.B) {
	file, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	record := make([]byte, 600)
	for b.Loop() {
		if _, err := file.Write(record); err != nil {
			b.Fatal(err)
		}
		if err := file.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "fsyncs/s")
}
