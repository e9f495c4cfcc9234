package spool_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

// patience is how long something may take on a busy machine.
const patience = time.Minute

// app is an application whose logins go through a spool into a SQLite table.
type app struct {
	*sessionlog.Logger
	processor *spool.Processor
	provider  *sdklog.LoggerProvider
}

func config4(t testing.TB, db string) sqlite.Config {
	t.Helper()
	cfg := sqlite.DefaultConfig()
	cfg.Path, cfg.BusyTimeout = db, 10*time.Millisecond
	return cfg
}

func launch(t testing.TB, dir, db string, opts ...spool.Option) *app {
	t.Helper()
	exporter, err := backendexporter.New(context.Background(), sqlite.New, config4(t, db))
	require.NoError(t, err)
	p, err := spool.NewProcessor(dir, exporter, opts...)
	require.NoError(t, err)
	return newApp(p)
}

func newApp(p *spool.Processor) *app {
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(p))
	return &app{Logger: sessionlog.NewLogger(provider), processor: p, provider: provider}
}

// leave is an orderly end that waits for everything to be delivered.
func (a *app) leave(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, a.provider.Shutdown(ctx))
}

// hurry is an end that waits for nothing.
func (a *app) hurry(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, a.processor.Shutdown(ctx), "records stay on the disk")
}

// users are the names in the table, in the order of their arrival.
func users(t testing.TB, db string) (names []string) {
	t.Helper()
	for e, err := range backendtest.StoredEvents(context.Background(), sqlite.OpenQueryStore, config4(t, db), "arrival") {
		require.NoError(t, err)
		names = append(names, e.User)
	}
	return names
}

// lock takes the table's write lock, as another program would, until the function is called that it gives.
func lock(t testing.TB, db string) (unlock func()) {
	t.Helper()
	conn, err := driver.OpenConn(db, driver.OpenReadWrite)
	require.NoError(t, err)
	conn.SetBusyTimeout(patience)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	unlocked := false
	unlock = func() {
		if !unlocked {
			unlocked = true
			require.NoError(t, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
			require.NoError(t, conn.Close())
		}
	}
	t.Cleanup(unlock)
	return unlock
}

// paths are those of a spool and of a table.
func paths(t testing.TB) (dir, db string) {
	t.Helper()
	top := t.TempDir()
	return filepath.Join(top, "spool [a-b]"), filepath.Join(top, "session_log.db")
}

// segments are the files of a spool, and what they take.
func segments(t testing.TB, dir string) (names []string, size int64) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".spool") {
			info, err := f.Info()
			require.NoError(t, err)
			names, size = append(names, f.Name()), size+info.Size()
		}
	}
	return names, size
}
