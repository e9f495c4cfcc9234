package sessionlogconsoleexporter

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneSafeLineAnEvent(t *testing.T) {
	ld := plogs.NewEncoder("test").Encode([]session.Event{
		{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: 1_795_000_000_123_456_789, User: "alice", ClientAddress: "10.0.0.7", ClientPort: 51544},
		{Kind: session.KindLogout, Time: 1_795_000_001_000_000_000, User: "\x1b]0;owned\x07"},
	})
	foreign := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	foreign.AppendEmpty().Body().SetStr("no event")
	lr := foreign.AppendEmpty()
	lr.SetEventName("sessionlog.login")
	lr.SetTimestamp(1)
	lr.Body().SetStr("\x1b[2J a foreign body is not printed")

	var out bytes.Buffer
	require.NoError(t, (&printer{out: &out}).push(context.Background(), ld))
	require.Equal(t, `2026-11-18 11:06:40.123456Z login succeeded: user=alice client=10.0.0.7 port=51544
2026-11-18 11:06:41.000000Z logout: user="\x1b]0;owned\a"
1970-01-01 00:00:00.000000Z login:
`, out.String())
}

func TestConfig(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, cfg.(*Config).Validate())
	require.EqualError(t, (&Config{Output: "screen"}).Validate(), "output: write stdout or stderr")
}

func TestLifecycle(t *testing.T) {
	f := NewFactory()
	for _, output := range []string{"stdout", "stderr"} {
		exp, err := f.CreateLogs(context.Background(), exportertest.NewNopSettings(Type), &Config{Output: output})
		require.NoError(t, err)
		require.NoError(t, exp.Start(context.Background(), componenttest.NewNopHost()))
		require.NoError(t, exp.ConsumeLogs(context.Background(), plog.NewLogs()))
		require.NoError(t, exp.Shutdown(context.Background()))
	}
	require.Equal(t, component.StabilityLevelAlpha, f.LogsStability())
}
