package sessionlogexporter

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// TestYesMeansCommitted reads the file through a second connection as soon as ConsumeLogs has returned.
func TestYesMeansCommitted(t *testing.T) {
	r := startExporter(t, nil, nil)
	for i := range 5 {
		require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(10*i, 10*i+10)))
		require.Equal(t, 10*i+10, r.count(t))
	}
	require.EqualValues(t, 50, r.metric(t, "written"))
	require.Zero(t, r.metric(t, "duplicates"))
	require.Positive(t, r.metric(t, "write_duration"))
	require.InDelta(t, time.Now().Unix(), r.metric(t, "last_success"), 60)
	require.NoError(t, r.ConsumeLogs(t.Context(), plog.NewLogs()))
}

// TestLockedFile: another program holds the file. The caller waits, and its records are there once when it lets go.
func TestLockedFile(t *testing.T) {
	r := startExporter(t, nil, nil)
	r.awaitStatus(t, componentstatus.StatusOK)
	unlock := r.lock(t)
	defer unlock()
	done := r.send(t.Context(), testEvents(0, 1000))
	require.Error(t, r.awaitStatus(t, componentstatus.StatusRecoverableError).Err())
	select {
	case err := <-done:
		t.Fatalf("ConsumeLogs returned while nothing could be written: %v", err)
	default:
	}
	unlock()
	require.NoError(t, awaitResult(t, done))
	require.Equal(t, 1000, r.count(t))
	r.awaitStatus(t, componentstatus.StatusOK)
}

// TestCallerGivesUp: nothing was promised to a caller that did not wait, and its second try leaves one copy.
func TestCallerGivesUp(t *testing.T) {
	r := startExporter(t, nil, nil)
	unlock := r.lock(t)
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	done := r.send(ctx, testEvents(0, 100))
	r.awaitStatus(t, componentstatus.StatusRecoverableError)
	cancel()
	err := awaitResult(t, done)
	require.Error(t, err)
	require.False(t, consumererror.IsPermanent(err))
	unlock()
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 100)))
	require.Equal(t, 100, r.count(t))
}

// TestShutdownWhileLocked ends although the file stays locked, and the caller gets an error that nothing was kept.
func TestShutdownWhileLocked(t *testing.T) {
	r := newRig(t, t.TempDir(), func(c *Config) {
		batch := c.QueueConfig.Get().Batch.GetOrInsertDefault()
		batch.MinSize, batch.MaxSize = 100, 200
	}, nil)
	require.NoError(t, r.Start(t.Context(), r))
	unlock := r.lock(t)
	defer unlock()
	var done []<-chan error
	for i := range 20 { // more batches than consumers: some wait in the queue
		done = append(done, r.send(t.Context(), testEvents(50*i, 50*i+50)))
	}
	r.awaitStatus(t, componentstatus.StatusRecoverableError)
	ended := make(chan error, 1)
	go func() { ended <- r.Shutdown(context.Background()) }()
	require.NoError(t, awaitResult(t, ended))
	for _, d := range done {
		err := awaitResult(t, d)
		require.Error(t, err)
		require.False(t, consumererror.IsPermanent(err), "the source must deliver it again: %v", err)
	}
	require.Empty(t, append(r.logs.FilterMessageSnippet("Dropping data").All(), r.logs.FilterMessageSnippet("Rejecting data").All()...), "the sources have all of it")
	kept := r.logs.FilterMessageSnippet("The exporter has not lost them").All()
	require.NotEmpty(t, kept)
	require.Contains(t, kept[0].ContextMap(), "items")
	unlock()
	require.Zero(t, r.count(t))
}

// TestShutdownInterrupts a write that has no end, when the one before has failed.
func TestShutdownInterrupts(t *testing.T) {
	again := make(chan struct{})
	var tries atomic.Int32
	r := newRig(t, t.TempDir(), nil, func(b backend.Backend) backend.Backend {
		return faultyBackend{b, func(ctx context.Context, _ iter.Seq2[int, *session.Event], _ backend.Backend) (backend.Result, error) {
			if tries.Add(1) == 1 {
				return backend.Result{}, errors.New("away")
			}
			close(again)
			<-ctx.Done()
			return backend.Result{}, ctx.Err()
		}}
	})
	require.NoError(t, r.Start(t.Context(), r))
	done := r.send(t.Context(), testEvents(0, 10))
	<-again
	ended := make(chan error, 1)
	go func() { ended <- r.Shutdown(context.Background()) }()
	require.NoError(t, awaitResult(t, ended))
	require.Error(t, awaitResult(t, done))
}

// TestSameBatchFromTwoCallers, as two receivers of one source give it.
func TestSameBatchFromTwoCallers(t *testing.T) {
	r := startExporter(t, nil, nil)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for i := range 10 {
				if err := r.ConsumeLogs(t.Context(), testEvents(200*i, 200*i+200)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Equal(t, 2000, r.count(t))
	require.EqualValues(t, 2000, r.metric(t, "written"))
	require.EqualValues(t, 2000, r.metric(t, "duplicates"))
	require.Zero(t, r.metric(t, "conflicts"))
}

// TestForgedSecondVersion changes nothing and is counted.
func TestForgedSecondVersion(t *testing.T) {
	r := startExporter(t, nil, nil)
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 10)))
	forged := testEvents(0, 1)
	forged.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().PutStr("user.name", "somebody.else")
	require.NoError(t, r.ConsumeLogs(t.Context(), forged))
	require.Equal(t, 10, r.count(t))
	require.EqualValues(t, 1, r.metric(t, "conflicts"))
}

// TestCallLargerThanABatch is split by the chain, and its caller hears when the last part is there.
func TestCallLargerThanABatch(t *testing.T) {
	r := startExporter(t, func(c *Config) {
		batch := c.QueueConfig.Get().Batch.GetOrInsertDefault()
		batch.MinSize, batch.MaxSize = 200, 300
	}, nil)
	require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 1000)))
	require.Equal(t, 1000, r.count(t))
}

// TestCallLargerThanTheQueue is delivered in parts: the queue would refuse it each time.
func TestCallLargerThanTheQueue(t *testing.T) {
	for sizer, size := range map[exporterhelper.RequestSizerType]int64{exporterhelper.RequestSizerTypeItems: 64, exporterhelper.RequestSizerTypeBytes: 20_000} {
		r := startExporter(t, func(c *Config) {
			queue := c.QueueConfig.Get()
			batch := queue.Batch.GetOrInsertDefault()
			queue.Sizer, queue.QueueSize, batch.MinSize, batch.MaxSize = sizer, size, 32, 64
		}, nil)
		require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 1000)), sizer)
		require.Equal(t, 1000, r.count(t), sizer)
	}
}

// TestRecordLargerThanTheQueue goes into the dead letter, and its neighbours into the table.
func TestRecordLargerThanTheQueue(t *testing.T) {
	r := startExporter(t, func(c *Config) { c.QueueConfig.Get().QueueSize = 20_000 }, nil)
	logs := testEvents(0, 100)
	logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(40).Attributes().PutStr("large", strings.Repeat("x", 20_000))
	require.NoError(t, r.ConsumeLogs(t.Context(), logs))
	require.Equal(t, 99, r.count(t))
	require.EqualValues(t, 1, r.metric(t, "dead_lettered"))
}

// TestWithoutQueueOrBatch: every shape of the chain keeps the promise.
func TestWithoutQueueOrBatch(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"no queue": func(c *Config) { c.QueueConfig = configoptional.None[exporterhelper.QueueBatchConfig]() },
		"no batch": func(c *Config) { c.QueueConfig.Get().Batch = configoptional.None[exporterhelper.BatchConfig]() },
		"no retry": func(c *Config) { c.BackOffConfig.Enabled = false },
	} {
		t.Run(name, func(t *testing.T) {
			r := startExporter(t, edit, nil)
			require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 100)))
			require.Equal(t, 100, r.count(t))
		})
	}
}

// TestExpired: what is older than the store keeps is delivered, counted, and not there.
func TestExpired(t *testing.T) {
	r := startExporter(t, func(c *Config) { c.SQLite.Get().TTL = time.Hour }, nil)
	old := testEvents(0, 10)
	for _, lr := range old.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
		lr.SetTimestamp(1)
	}
	require.NoError(t, r.ConsumeLogs(t.Context(), old))
	require.Zero(t, r.count(t))
	require.EqualValues(t, 10, r.metric(t, "expired"))
	warnings := r.logs.FilterMessageSnippet("older than ttl").All()
	require.Len(t, warnings, 1)
	require.Equal(t, "sqlite::ttl", warnings[0].ContextMap()["key"])
}

// TestRestarts keep what was there.
func TestRestarts(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		r := newRig(t, dir, nil, nil)
		require.NoError(t, r.Start(t.Context(), r))
		require.NoError(t, r.ConsumeLogs(t.Context(), testEvents(0, 10*i+10)))
		require.Equal(t, 10*i+10, r.count(t))
		require.NoError(t, r.Shutdown(t.Context()))
		require.Error(t, r.ConsumeLogs(t.Context(), testEvents(0, 1)), "after Shutdown nothing is accepted")
	}
}

// TestNeverStarted can be shut down, as a collector does when another component fails.
func TestNeverStarted(t *testing.T) {
	require.NoError(t, newRig(t, t.TempDir(), nil, nil).Shutdown(t.Context()))
}

// TestStartSaysWhatIsWrong names the key.
func TestStartSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for want, edit := range map[string]func(*Config){
		"dead_letter::directory": func(c *Config) { c.DeadLetter.Directory = filepath.Join(file, "letters") },
		"path":                   func(c *Config) { c.SQLite.Get().Path = filepath.Join(file, "session_log.db") },
	} {
		r := newRig(t, t.TempDir(), edit, nil)
		require.ErrorContains(t, r.Start(t.Context(), r), want)
		require.NoError(t, r.Shutdown(t.Context()))
	}
}
