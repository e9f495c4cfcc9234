package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
)

// testTimeout is how long something may take on a busy machine.
const testTimeout = time.Minute

// testApp is an application whose logins go through a spool.
type testApp struct {
	*sessionlog.Logger
	processor *Processor
	provider  *sdklog.LoggerProvider
}

// memoryTable takes an application's records, those that come again once. What needs a real table is tested beside the backends.
type memoryTable struct {
	mu     sync.Mutex
	locked bool
	ids    []string
	users  []string
}

func (m *memoryTable) setLocked(locked bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locked = locked
}

func (m *memoryTable) Export(_ context.Context, records []sdklog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked {
		return errors.New("the table is locked")
	}
	for _, r := range records {
		var id, user string
		r.WalkAttributes(func(kv attribute.KeyValue) bool {
			switch kv.Key {
			case "log.record.uid":
				id = kv.Value.AsString()
			case "user.name":
				user = kv.Value.AsString()
			}
			return true
		})
		if !slices.Contains(m.ids, id) {
			m.ids, m.users = append(m.ids, id), append(m.users, user)
		}
	}
	return nil
}

func (*memoryTable) ForceFlush(context.Context) error { return nil }
func (*memoryTable) Shutdown(context.Context) error   { return nil }

func startApp(t testing.TB, dir string, table sdklog.Exporter, opts ...Option) *testApp {
	t.Helper()
	p, err := NewProcessor(dir, table, opts...)
	require.NoError(t, err)
	return newApp(p)
}

func newApp(p *Processor) *testApp {
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	return &testApp{Logger: sessionlog.NewLogger(provider), processor: p, provider: provider}
}

// shutdownApp is an orderly end that waits for everything to be delivered.
func (a *testApp) shutdownApp(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	require.NoError(t, a.provider.Shutdown(ctx))
}

// shutdownNow is an end that waits for nothing.
func (a *testApp) shutdownNow(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, a.processor.Shutdown(ctx), "records stay on the disk")
}

// spoolDir is a folder whose name would be a pattern.
func spoolDir(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "spool [a-b]")
}

// requireMount ends the test where a small file system cannot be mounted: it fails where nothing may be skipped.
func requireMount(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("SESSIONLOG_REQUIRE_ENGINES") == "1" {
		t.Fatalf("a small file system cannot be mounted: %v: run this test as root", err)
	}
	t.Skipf("a small file system cannot be mounted: %v: run this test as root", err)
}
