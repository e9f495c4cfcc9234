package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// logged runs a store whose ttl lets the first old typical events expire, for long enough to delete them, and gives what it logs.
func logged(t *testing.T, cfg Config, old int, use func(*eventStore)) *observer.ObservedLogs {
	t.Helper()
	core, logs := observer.New(zapcore.InfoLevel)
	s := newStore(t, cfg)
	s.log, s.now = zap.New(core), clockAt(old)
	require.NoError(t, s.Start(t.Context()))
	time.Sleep(100 * time.Millisecond) // the first slice is due at once
	if use != nil {
		use(s)
	}
	require.NoError(t, s.Shutdown(context.Background()))
	return logs
}

// stored is how many records are there; each is read to its end.
func stored(t *testing.T, cfg Config) int {
	return toInt(file{cfg}.Query(t, cfg.prefixNames("SELECT coalesce(sum(hex(content_hash) <> ''), 0) FROM session_events")).Cells[0][0])
}

// filled makes a file with the typical events from 0 to n.
func filled(t *testing.T, n int) Config {
	t.Helper()
	cfg := testConfig(t)
	cfg.BusyTimeout = time.Second
	logged(t, cfg, 0, func(s *eventStore) {
		_, err := s.Write(t.Context(), typical(0, n))
		require.NoError(t, err)
	})
	require.Equal(t, n, stored(t, cfg))
	return cfg
}

// TestATTLThatWouldTakeMostWaits for ttl_confirm, when records come too, and says so at the level that ships.
func TestATTLThatWouldTakeMostWaits(t *testing.T) {
	cfg := filled(t, 100)
	cfg.TTL = time.Hour
	for range 2 { // a restart confirms nothing
		logs := logged(t, cfg, 51, func(s *eventStore) {
			res, err := s.Write(t.Context(), typical(0, 10))
			require.NoError(t, err)
			require.Equal(t, backend.Result{Duplicates: 10}, res, "what is not deleted is not turned away either")
		})
		require.Equal(t, 100, stored(t, cfg))
		warnings := logs.FilterLevelExact(zapcore.WarnLevel).All()
		require.Len(t, warnings, 1)
		require.Contains(t, warnings[0].Message, "ttl_confirm: true")
		require.Equal(t, map[string]any{
			"ttl": "1h0m0s", "older_than": clockAt(51)().Add(-time.Hour).UTC(),
			"expired_session_events": int64(51), "total_session_events": int64(100),
			"expired_session_conflicts": int64(0), "total_session_conflicts": int64(0),
		}, warnings[0].ContextMap())
	}
	cfg.TTLConfirm = true
	logs := logged(t, cfg, 51, nil)
	require.Equal(t, 49, stored(t, cfg))
	require.Len(t, logs.FilterMessageSnippet("deleted now").FilterLevelExact(zapcore.WarnLevel).All(), 1, "no deletion in silence")

	logs = logged(t, cfg, 51, nil)
	require.Equal(t, 1, logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("ttl_confirm is no longer needed").Len(), "left in the file, it disarms the guard")
	cfg.TTLConfirm = false // it was confirmed once; it is in force
	logs = logged(t, cfg, 99, nil)
	require.Equal(t, 1, stored(t, cfg))
	require.Empty(t, logs.FilterLevelExact(zapcore.WarnLevel).All())
}

// TestATTLThatTakesLittle is in force at once, and asked about when it is made shorter; a longer one needs no confirmation.
func TestATTLThatTakesLittle(t *testing.T) {
	cfg := filled(t, 100)
	cfg.TTL = time.Hour
	logged(t, cfg, 50, nil)
	require.Equal(t, 50, stored(t, cfg), "half is not more than half")
	cfg.TTL = time.Hour - time.Second
	logged(t, cfg, 50, nil)
	require.Equal(t, 50, stored(t, cfg), "a shorter one waits")
	cfg.TTL = time.Hour
	logged(t, cfg, 80, nil)
	require.Equal(t, 20, stored(t, cfg), "the old one is in force still")
	cfg.TTL = 0
	logged(t, cfg, 99, nil)
	require.Equal(t, 20, stored(t, cfg))
	cfg.TTL = time.Hour
	logged(t, cfg, 99, nil)
	require.Equal(t, 20, stored(t, cfg), "set anew, so it is asked about anew")
}
