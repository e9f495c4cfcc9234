package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	sessionlog "github.com/otel-sessionlog/sessionlog/sdk"
	"github.com/otel-sessionlog/sessionlog/sdk/blocking"
	"github.com/otel-sessionlog/sessionlog/sdk/spool"
)

// otlpCollector listens for OTLP over gRPC, and is not started.
func otlpCollector(t *testing.T) (*collector, *otlploggrpc.Exporter, string) {
	t.Helper()
	address := freeAddress(t)
	col := newCollector(t, fmt.Sprintf("  otlp:\n    protocols: {grpc: {endpoint: %q}}\n", address), "otlp")
	exporter, err := otlploggrpc.New(context.Background(), otlploggrpc.WithEndpoint(address), otlploggrpc.WithInsecure(),
		otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: false}), // our processors try again by themselves
		otlploggrpc.WithReconnectionPeriod(50*time.Millisecond))
	require.NoError(t, err)
	return col, exporter, address
}

func shutDown(t *testing.T, provider *sdklog.LoggerProvider) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), arrival)
	defer cancel()
	require.NoError(t, provider.Shutdown(ctx))
}

// TestGrantedLoginsOutliveTheCollector: an application with a spool grants logins while the collector is not there yet, and
// while it is killed five times: each of them is a row, once.
func TestGrantedLoginsOutliveTheCollector(t *testing.T) {
	t.Parallel()
	col, exporter, _ := otlpCollector(t)
	processor, err := spool.NewProcessor(filepath.Join(t.TempDir(), "spool"), exporter)
	require.NoError(t, err)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(processor))
	logger := sessionlog.NewLogger(provider)

	var granted atomic.Int64
	var over atomic.Bool
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := 0; !over.Load(); i++ {
				if err := logger.Login(t.Context(), sessionlog.User(fmt.Sprintf("%d-%d", w, i)), sessionlog.DurableWithin(arrival)); err != nil {
					t.Error(err)
					return
				}
				granted.Add(1)
				time.Sleep(20 * time.Millisecond) // a user's pace
			}
		})
	}
	wait := func(n int64) {
		require.Eventually(t, func() bool { return granted.Load() >= n || t.Failed() }, arrival, quick/5)
	}
	wait(50)
	for range kills {
		col.start(t)
		before := countRows(t, col.database(), "session_events")
		require.Eventually(t, func() bool { return countRows(t, col.database(), "session_events") > before }, arrival, quick/2)
		col.kill(t)
		wait(granted.Load() + 50)
	}
	over.Store(true)
	workers.Wait()
	col.start(t)
	shutDown(t, provider)
	rows := query(t, col.database(), "SELECT user, count(*) FROM session_log GROUP BY 1")
	require.Len(t, rows, int(granted.Load()))
	for _, row := range rows {
		require.Equal(t, "1", row[1], row[0])
	}
	col.stop(t)
}

// TestADurableLoginIsARow: with a processor that blocks, nil means that the row is committed behind the collector. While the
// collector is not there the application gets an error in time.
func TestADurableLoginIsARow(t *testing.T) {
	col, exporter, address := otlpCollector(t)
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(blocking.NewProcessor(exporter)))
	logger := sessionlog.NewLogger(provider)

	begun := time.Now()
	err := logger.Login(t.Context(), sessionlog.User("too early"), sessionlog.DurableWithin(200*time.Millisecond))
	require.ErrorIs(t, err, sessionlog.ErrNotDurable)
	require.Less(t, time.Since(begun), arrival/2)

	col.start(t)
	waitFor(t, address)
	for i := range 20 {
		require.NoError(t, logger.Login(t.Context(), sessionlog.User(fmt.Sprintf("user-%d", i)), sessionlog.DurableWithin(arrival)))
		require.Len(t, query(t, col.database(), fmt.Sprintf("SELECT 1 FROM session_log WHERE user = 'user-%d'", i)), 1, "at once")
	}
	col.kill(t)
	require.ErrorIs(t, logger.Login(t.Context(), sessionlog.User("too late"), sessionlog.DurableWithin(200*time.Millisecond)), sessionlog.ErrNotDurable)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = provider.Shutdown(ctx) // it need not wait for a collector that is gone
}
