package verify_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

// TestManyRowsWithoutASealAreWaitedForOnce, and the last of them once more: a collector may have stored these just now.
func TestManyRowsWithoutASealAreWaitedForOnce(t *testing.T) {
	defer verify.SetMostUnsealed(verify.SetMostUnsealed(10))
	const rows, sealWait = 100, 400 * time.Millisecond
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
	b, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	require.NoError(t, b.Start(t.Context()))
	_, err = b.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := range rows {
			sessiontest.Typical(&e, n)
			if e.RecordID = (session.ID{1, 15: byte(n)}); !yield(n, &e) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.NoError(t, b.Shutdown(context.Background()))
	store, err := sqlite.OpenQueryStore(t.Context(), cfg)
	require.NoError(t, err)
	begun := time.Now()
	summary, err := verify.Run(t.Context(), store, verify.Options{At: begun, SealWait: sealWait}, func(verify.Finding) {})
	require.NoError(t, err)
	require.Equal(t, rows, summary.Tampering, "each is inserted")
	require.GreaterOrEqual(t, time.Since(begun), sealWait)
	require.Less(t, time.Since(begun), 7*sealWait)
	require.NoError(t, store.Close())
}
