package sdk_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/exporter/backendexporter"
	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
)

const patience = time.Minute

// app is an application whose logins wait for a SQLite table.
type app struct {
	*sessionlog.Logger
	cfg       sqlite.Config
	processor *blocking.Processor
	provider  *sdklog.LoggerProvider
}

func launch(t *testing.T) *app {
	t.Helper()
	return launchWith(t, func(e sdklog.Exporter) sdklog.Exporter { return e })
}

// launchWith has the exporter observed.
func launchWith(t *testing.T, observe func(sdklog.Exporter) sdklog.Exporter) *app {
	t.Helper()
	a := &app{cfg: sqlite.DefaultConfig()}
	a.cfg.Path, a.cfg.BusyTimeout = filepath.Join(t.TempDir(), "session_log.db"), 10*time.Millisecond
	exporter, err := backendexporter.New(t.Context(), sqlite.New, a.cfg)
	require.NoError(t, err)
	a.processor = blocking.NewProcessor(observe(exporter), blocking.WithExportTimeout(patience))
	a.provider = sdklog.NewLoggerProvider(sdklog.WithProcessor(a.processor))
	a.Logger = sessionlog.NewLogger(a.provider)
	t.Cleanup(func() { require.NoError(t, a.provider.Shutdown(context.WithoutCancel(t.Context()))) })
	return a
}

func (a *app) users(t *testing.T) (names []string) {
	t.Helper()
	for e, err := range backendtest.StoredEvents(t.Context(), sqlite.OpenQueryStore, a.cfg, "arrival") {
		require.NoError(t, err)
		names = append(names, e.User)
	}
	return names
}

// lock takes the table's write lock, as another program would.
func (a *app) lock(t *testing.T) (unlock func()) {
	t.Helper()
	conn, err := driver.OpenConn(a.cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	conn.SetBusyTimeout(patience)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	return func() {
		require.NoError(t, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
		require.NoError(t, conn.Close())
	}
}

func TestEveryLoginIsInTheTableWhenItIsGranted(t *testing.T) {
	a := launch(t)
	require.NoError(t, a.Login(t.Context(), sessionlog.User("alice"), sessionlog.Durable()))
	require.Equal(t, []string{"alice"}, a.users(t))
	require.NoError(t, a.Login(t.Context(), sessionlog.User("bob")))
	require.Equal(t, []string{"alice", "bob"}, a.users(t), "also when nobody asked for it")
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if err := a.Login(t.Context(), sessionlog.User("many"), sessionlog.DurableWithin(patience)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Len(t, a.users(t), 102)
}

// TestTheTableIsAway: who waits for a durable event is told in time, others wait, and what was refused is not there later.
func TestTheTableIsAway(t *testing.T) {
	a := launch(t)
	unlock := a.lock(t)
	err := a.Login(t.Context(), sessionlog.User("refused"), sessionlog.DurableWithin(300*time.Millisecond))
	require.ErrorIs(t, err, sessionlog.ErrNotDurable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.Login(ctx, sessionlog.User("gone")), context.DeadlineExceeded, "without Durable the context counts as well")

	patient := make(chan error, 1)
	go func() { patient <- a.Login(t.Context(), sessionlog.User("patient")) }()
	unlock()
	require.NoError(t, <-patient)
	require.Contains(t, a.users(t), "patient")
}

// observed counts the records of the largest export that failed.
type observed struct {
	sdklog.Exporter
	largest atomic.Int64
}

func (o *observed) Export(ctx context.Context, records []sdklog.Record) error {
	err := o.Exporter.Export(ctx, records)
	if err != nil {
		o.largest.Store(max(o.largest.Load(), int64(len(records))))
	}
	return err
}

// TestEveryCallerOfAFailedExportIsTold: callers share exports that fail, since the table is locked. Half of them wait a second for a yes;
// the others wait until it is one.
func TestEveryCallerOfAFailedExportIsTold(t *testing.T) {
	const callers = 20
	failed := &observed{}
	a := launchWith(t, func(e sdklog.Exporter) sdklog.Exporter { failed.Exporter = e; return failed })
	unlock := a.lock(t)
	hasty, patient := make(chan error, callers), make(chan error, callers)
	for range callers {
		go func() { patient <- a.Login(t.Context(), sessionlog.User("patient")) }()
		go func() { hasty <- a.Login(t.Context(), sessionlog.User("hasty"), sessionlog.DurableWithin(time.Second)) }()
	}
	for range callers {
		err := <-hasty
		assert.ErrorIs(t, err, sessionlog.ErrNotDurable)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	}
	assert.Empty(t, patient, "nothing was written yet")
	assert.Greater(t, failed.largest.Load(), int64(1), "no two callers shared an export that failed")
	unlock()
	for range callers {
		assert.NoError(t, <-patient)
	}
	waited := slices.DeleteFunc(a.users(t), func(name string) bool { return name != "patient" })
	assert.Len(t, waited, callers)
}

// TestShutdownTurnsAwayWhoWaits: all who share the export under way, and all who wait for the next.
func TestShutdownTurnsAwayWhoWaits(t *testing.T) {
	const callers = 20
	a := launch(t)
	unlock := a.lock(t)
	defer unlock()
	waits := make(chan error, callers)
	for range callers {
		go func() { waits <- a.Login(t.Context(), sessionlog.User("alice")) }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_ = a.processor.Shutdown(ctx) // whether the backend closes in time is its own matter
	for range callers {
		require.Error(t, <-waits)
	}
	require.Empty(t, a.users(t))
}

// before is a processor that tells when a record has come.
type before struct {
	sdklog.Processor
	came chan struct{}
}

func (b before) OnEmit(context.Context, *sdklog.Record) error { close(b.came); return nil }
func (b before) Shutdown(context.Context) error               { return nil }

// TestTheProviderAloneTurnsNobodyAway: its Shutdown waits for whoever waits, and once its context has ended it never gets to its
// processors; the processor's own Shutdown does.
func TestTheProviderAloneTurnsNobodyAway(t *testing.T) {
	a := launch(t)
	unlock := a.lock(t)
	defer unlock()
	came := make(chan struct{})
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(before{came: came}), sdklog.WithProcessor(a.processor))
	waits := make(chan error, 1)
	go func() { waits <- sessionlog.NewLogger(provider).Login(t.Context(), sessionlog.User("alice")) }()
	<-came
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, provider.Shutdown(ctx), context.DeadlineExceeded)
	require.NoError(t, provider.Shutdown(t.Context()), "a second call does nothing")
	require.Empty(t, waits)
	_ = a.processor.Shutdown(ctx)
	require.ErrorContains(t, <-waits, "shut down")
}

func TestOtherRecordsAreLeftToOthers(t *testing.T) {
	a := launch(t)
	var other log.Record
	other.SetEventName("order.placed")
	a.provider.Logger("shop").Emit(t.Context(), other)
	a.provider.Logger("shop").Emit(t.Context(), log.Record{})
	require.False(t, a.provider.Logger("shop").Enabled(t.Context(), log.EnabledParameters{EventName: "order.placed"}))
	require.True(t, a.provider.Logger("shop").Enabled(t.Context(), log.EnabledParameters{EventName: "sessionlog.login"}))
	require.Empty(t, a.users(t))
}
