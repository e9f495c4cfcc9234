package sessionlogconsoleexporter

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
	"github.com/otel-sessionlog/sessionlog/internal/redaction"
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
	p, err := newPrinter(exportertest.NewNopSettings(Type), &Config{Output: "stdout"}, &out)
	require.NoError(t, err)
	require.NoError(t, p.pushLines(context.Background(), ld))
	require.NoError(t, p.flushOutput(context.Background()))
	require.Equal(t, `2026-11-18 11:06:40.123456Z login succeeded: user=alice client=10.0.0.7 port=51544
2026-11-18 11:06:41.000000Z logout: user="\x1b]0;owned\a"
1970-01-01 00:00:00.000000Z login:
`, out.String())
}

// TestNamesAreHiddenBeforeTheyArePrinted: of whoever sent the event, and once however many components hide by the same policy.
func TestNamesAreHiddenBeforeTheyArePrinted(t *testing.T) {
	policies := map[string]redaction.Config{
		"2026-11-18 11:06:40.000000Z login failed: client=203.0.113.7\n": {Preset: redaction.PresetEvidence, Key: "0123456789abcdef"},
		"2026-11-18 11:06:40.000000Z login failed: client=203.0.113.0\n": {Preset: redaction.PresetGDPR, Key: "0123456789abcdef"},
		"2026-11-18 11:06:40.000000Z login failed:\n":                    {Users: redaction.ModeDrop, Addresses: redaction.ModeDrop, Key: "0123456789abcdef"},
	}
	sent := plog.NewLogs()
	lr := sent.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	lr.SetEventName("sessionlog.login")
	lr.SetTimestamp(1_795_000_000_000_000_000)
	lr.Attributes().PutStr("user.name", "S3cretPw0rd")
	lr.Attributes().PutStr("sessionlog.outcome", "failure")
	lr.Attributes().PutStr("client.address", "203.0.113.7")
	for want, policy := range policies {
		inReceiver := redaction.New(policy)
		for _, ld := range []plog.Logs{sent, plogs.CopyRedacted(sent, "test", inReceiver.Apply)} {
			var out bytes.Buffer
			p, err := newPrinter(exportertest.NewNopSettings(Type), &Config{Output: "stdout", Redact: policy}, &out)
			require.NoError(t, err)
			require.NoError(t, p.pushLines(context.Background(), ld))
			require.NoError(t, p.flushOutput(context.Background()))
			require.Equal(t, want, out.String())
		}
	}
}

// TestAnOutputThatTakesNothing never blocks and never fails a delivery: lines are dropped and counted, with one WARN.
func TestAnOutputThatTakesNothing(t *testing.T) {
	read, unread, err := os.Pipe()
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	gone, closed, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	events := make([]session.Event, 20_000) // more than the pipe and the buffer hold
	for i := range events {
		events[i] = session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, User: "S3cretUser", ClientAddress: "192.0.2.9"}
	}
	ld := plogs.NewEncoder("test").Encode(events)
	for reason, file := range map[string]*os.File{"nobody reads the output": unread, "no space left on device": full, "broken pipe": closed} {
		core, logs := observer.New(zapcore.InfoLevel)
		reader := metrictest.NewReader(t)
		set := exportertest.NewNopSettings(Type)
		set.Logger, set.MeterProvider = zap.New(core), reader.MeterProvider
		p, err := newPrinter(set, &Config{Output: "stdout"}, file)
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, p.pushLines(context.Background(), ld))
		require.NoError(t, p.pushLines(context.Background(), ld))
		require.NoError(t, p.flushOutput(context.Background()))
		require.Less(t, time.Since(began), 10*time.Second)

		sum := reader.Total(t, "otelcol_exporter_sessionlog_console_dropped_lines")
		require.Equal(t, p.out.Dropped(), sum)
		require.Greater(t, sum, int64(10_000))
		require.Equal(t, 1, logs.Len(), reason)
		require.Equal(t, zapcore.WarnLevel, logs.All()[0].Level)
		require.Contains(t, fmt.Sprint(logs.All()[0].ContextMap()), reason)
		require.NotContains(t, fmt.Sprint(logs.All()), "S3cretUser")
	}
	require.NoError(t, read.Close()) // ends the write that still blocks
	for _, file := range []*os.File{unread, full, closed} {
		require.NoError(t, file.Close())
	}
}

func TestConfig(t *testing.T) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	require.NoError(t, cfg.(*Config).Validate())
	require.EqualError(t, (&Config{Output: "screen"}).Validate(), "output: write stdout or stderr")
	noKey := confmap.NewFromStringMap(map[string]any{"redact": map[string]any{"preset": "evidence"}})
	require.NoError(t, cfg.(*Config).Unmarshal(noKey))
	require.ErrorContains(t, confmap.Validate(cfg), "redact: key: 0 bytes are too few for users: hash")
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
