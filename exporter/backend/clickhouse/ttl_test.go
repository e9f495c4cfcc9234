package clickhouse

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

// agingTables have a TTL where ttl is set: all but those of seals.
const agingTables = 5

// ttlWaits: the ALTER … MODIFY TTL of a ttl that would take most waits until it is confirmed, and nothing is turned away meanwhile.
func ttlWaits(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	requireTTLWaits(t, cfg, func() string {
		return count(t, server, cfg, "SELECT countIf(engine_full LIKE '% TTL %') FROM system.tables WHERE database = currentDatabase()")
	}, func(sql string) string { return count(t, server, cfg, sql) })
}

func requireTTLWaits(t *testing.T, cfg Config, ttls func() string, ask func(sql string) string) {
	logged := func(use func(*eventStore)) *observer.ObservedLogs {
		core, logs := observer.New(zapcore.InfoLevel)
		s := newStore(t, cfg)
		s.log = zap.New(core)
		require.NoError(t, s.Start(t.Context()))
		if use != nil {
			use(s)
		}
		stopStore(t, s)
		return logs
	}
	at := func(n byte, age time.Duration) *session.Event {
		return &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, RecordID: session.ID{6: 0x80, 15: n}, Time: time.Now().Add(-age).UnixNano()}
	}
	const old = 90 * 24 * time.Hour
	logged(func(s *eventStore) { write1(t, s, seq(at(1, old), at(2, old), at(3, time.Hour))) })
	cfg.TTL = 24 * time.Hour
	logs := logged(func(s *eventStore) { require.Equal(t, backend.Result{Written: 1}, write1(t, s, seq(at(4, old)))) })
	require.Equal(t, "0", ttls())
	warnings := logs.FilterLevelExact(zapcore.WarnLevel).All()
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0].Message, "ttl_confirm: true")
	require.EqualValues(t, 2, warnings[0].ContextMap()["expired_session_events"])
	require.EqualValues(t, 3, warnings[0].ContextMap()["total_session_events"])
	require.Equal(t, "4", ask("SELECT count() FROM session_events FINAL"))

	cfg.TTLConfirm = true
	logs = logged(func(s *eventStore) { require.Equal(t, backend.Result{Expired: 1}, write1(t, s, seq(at(5, old)))) })
	require.Len(t, logs.FilterMessageSnippet("deleted now").FilterLevelExact(zapcore.WarnLevel).All(), 1)
	require.Equal(t, strconv.Itoa(agingTables), ttls())

	cfg.TTLConfirm, cfg.TTL = false, time.Minute
	logs = logged(func(s *eventStore) {
		require.Equal(t, backend.Result{Expired: 1, Written: 1}, write1(t, s, seq(at(6, old), at(7, 2*time.Hour))), "the old one is in force still")
	})
	require.Len(t, logs.FilterLevelExact(zapcore.WarnLevel).All(), 1, "a shorter one is asked about")
	require.Equal(t, strconv.Itoa(agingTables), ask("SELECT countIf(engine_full LIKE '% TTL %toIntervalSecond(86400)%') FROM system.tables WHERE database = currentDatabase()"))
	cfg.TTL = 0
	logged(nil)
	require.Equal(t, "0", ttls())
}

// wrongClock: a collector whose clock is ahead turns away no login that the server would keep; a server that is ahead of the collector is said.
func wrongClock(t *testing.T, server *testengine.Server) {
	cfg := testConfig(t, server, "native")
	cfg.TTL = 30 * 24 * time.Hour
	at := func(n byte, age time.Duration) *session.Event {
		return &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, RecordID: session.ID{6: 0x80, 15: n}, Time: time.Now().Add(-age).UnixNano()}
	}
	for off, warnings := range map[time.Duration]int{365 * 24 * time.Hour: 0, 0: 0, -365 * 24 * time.Hour: 1} {
		core, logs := observer.New(zapcore.WarnLevel)
		s := newStore(t, cfg)
		s.log, s.now = zap.New(core), func() time.Time { return time.Now().Add(off) }
		require.NoError(t, s.Start(t.Context()))
		res := write1(t, s, seq(at(byte(off/time.Hour/24/73), time.Hour)))
		require.Equal(t, backend.Result{Written: 1}, res, off)
		if off >= 0 {
			require.Equal(t, backend.Result{Expired: 1}, write1(t, s, seq(at(100, 31*24*time.Hour))), "%v: by the server's clock", off)
		}
		stopStore(t, s)
		require.Equal(t, warnings, logs.FilterMessageSnippet("SYSTEM STOP TTL MERGES").Len(), off)
	}
	require.Equal(t, "3", count(t, server, cfg, "SELECT count() FROM session_events FINAL"))
}
