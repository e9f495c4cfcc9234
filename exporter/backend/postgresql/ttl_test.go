package postgresql

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
)

// ttlWaits: a ttl that would take most is asked about, and deletes nothing and turns nothing away until it is confirmed.
func ttlWaits(t *testing.T, pg *postgresql.Server) {
	cfg := usedConfig(t, pg)
	now := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	logged := func(use func(*eventStore)) *observer.ObservedLogs {
		core, logs := observer.New(zapcore.InfoLevel)
		s := newStore(t, cfg)
		s.log, s.now = zap.New(core), func() time.Time { return now }
		require.NoError(t, s.Start(t.Context()))
		require.NoError(t, s.maintainOnce())
		if use != nil {
			use(s)
		}
		stopStore(t, s)
		return logs
	}
	old := now.AddDate(0, -3, 0)
	logged(func(s *eventStore) {
		write1(t, s, seq(at(old, "a"), at(old.Add(time.Second), "b"), at(now.AddDate(0, 0, -1), "c")))
	})
	cfg.TTL = 40 * 24 * time.Hour
	logs := logged(func(s *eventStore) {
		require.Equal(t, backend.Result{Written: 1, Duplicates: 1}, write1(t, s, seq(at(old, "a"), at(old.Add(2*time.Second), "d"))))
	})
	require.Len(t, readAll(t, cfg), 4)
	warnings := logs.FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("ttl is").All()
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0].Message, "ttl_confirm: true")
	require.EqualValues(t, 2, warnings[0].ContextMap()["expired_session_events"])
	require.EqualValues(t, 3, warnings[0].ContextMap()["total_session_events"])

	cfg.TTLConfirm = true
	logs = logged(nil)
	require.Len(t, logs.FilterMessageSnippet("deleted now").FilterLevelExact(zapcore.WarnLevel).All(), 1)
	require.Len(t, readAll(t, cfg), 1)

	cfg.TTLConfirm, now = false, now.AddDate(0, 2, 0)
	ranUntil(t, cfg, now)
	require.Empty(t, logged(nil).FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("ttl is").All(), "it was confirmed once, and is in force")
	require.Empty(t, readAll(t, cfg))
	cfg.TTL = 0
	logged(func(s *eventStore) { write1(t, s, seq(at(old, "a"))) })
	require.Len(t, readAll(t, cfg), 1)
	cfg.TTL = 40 * 24 * time.Hour
	require.Len(t, logged(nil).FilterLevelExact(zapcore.WarnLevel).FilterMessageSnippet("ttl is").All(), 1, "set anew, it is asked about anew")
	require.Len(t, readAll(t, cfg), 1)
}
