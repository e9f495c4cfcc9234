package sessionlogreceiver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// metricsOf are the receiver's metrics as a collector exports them, by name; every point must name the receiver.
func metricsOf(t *testing.T, tel *metrictest.Reader, id component.ID) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, p := range tel.Points(t) {
		require.NotEmpty(t, p.Description, p.Name)
		require.NotEmpty(t, p.Unit, p.Name)
		self, ok := p.Attributes.Value("receiver")
		require.True(t, ok, p.Name)
		require.Equal(t, id.String(), self.AsString(), p.Name)
		require.NotContains(t, out, p.Name)
		out[p.Name] = p.Value
	}
	return out
}

func TestTheReceiverCountsTheFateOfEverything(t *testing.T) {
	tel := metrictest.NewReader(t)
	set := receivertest.NewNopSettings(componentType)
	set.ID = component.NewIDWithName(componentType, "warehouse")
	set.TelemetrySettings = tel.TelemetrySettings
	config := createDefaultConfig().(*Config)
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	next := &testPipeline{respond: func(_ context.Context, call int, logs plog.Logs) error {
		if call == 2 {
			return consumererror.NewPermanent(consumererror.NewLogs(errPoison, only(logs, "bob")))
		}
		return nil
	}}
	before := time.Now().Unix()
	r, err := newReceiver(set, config, "test", sourceFunc(func(ctx context.Context, h source.Host) error {
		for _, users := range [][]string{{"a", "b", "c"}, {"alice", "bob"}} {
			if err := h.Emit(ctx, page(users...)); err != nil {
				return err
			}
		}
		h.Stats.BadRows(2, "a.jsonl at byte 7", errors.New("torn"))
		h.Stats.Excluded(3)
		h.Stats.Vanished(4)
		h.Stats.Repeated(5)
		h.Stats.PollFailed()
		h.Stats.(interface{ Correlated(matched, ambiguous int) }).Correlated(6, 7)
		h.Stats.Read(time.Now(), 1500*time.Millisecond)
		h.Stats.Backlog(8, 2, 4*time.Second)
		return nil
	}), next)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	<-r.sourceDone
	require.NoError(t, r.Shutdown(t.Context()))

	got := metricsOf(t, tel, set.ID)
	success := got["otelcol_receiver_sessionlog_last_success"]
	require.GreaterOrEqual(t, success, float64(before))
	require.LessOrEqual(t, success, float64(time.Now().Unix()))
	delete(got, "otelcol_receiver_sessionlog_last_success")
	require.Equal(t, map[string]float64{
		"otelcol_receiver_sessionlog_events":               4,
		"otelcol_receiver_sessionlog_refused_events":       1,
		"otelcol_receiver_sessionlog_dead_lettered_events": 1,
		"otelcol_receiver_sessionlog_bad_rows":             2,
		"otelcol_receiver_sessionlog_excluded_rows":        3,
		"otelcol_receiver_sessionlog_vanished_rows":        4,
		"otelcol_receiver_sessionlog_repeated_events":      5,
		"otelcol_receiver_sessionlog_failed_polls":         1,
		"otelcol_receiver_sessionlog_correlated_logins":    6,
		"otelcol_receiver_sessionlog_ambiguous_logins":     7,
		"otelcol_receiver_sessionlog_lag":                  1.5,
		"otelcol_receiver_sessionlog_backlog_rows":         8,
		"otelcol_receiver_sessionlog_backlog_rate":         2,
		"otelcol_receiver_sessionlog_backlog_time_to_go":   4,
		"otelcol_receiver_accepted_log_records":            3,
		"otelcol_receiver_refused_log_records":             2,
		"otelcol_receiver_failed_log_records":              0,
	}, got)
}

// Before the first success there is something to alert on, but not for a source that is not read but pushed to.
func TestLastSuccessExistsFromTheStart(t *testing.T) {
	for name, src := range map[string]source.Source{"polled": sourceFunc(idle), "pushed": statelessFunc{idle}} {
		tel := metrictest.NewReader(t)
		set := receivertest.NewNopSettings(componentType)
		set.TelemetrySettings = tel.TelemetrySettings
		config := createDefaultConfig().(*Config)
		config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
		r, err := newReceiver(set, config, "test", src, &testPipeline{})
		require.NoError(t, err)
		require.NoError(t, r.Start(t.Context(), newTestHost()))
		value, exists := metricsOf(t, tel, set.ID)["otelcol_receiver_sessionlog_last_success"]
		require.Equal(t, name == "polled", exists)
		require.Zero(t, value)
		require.NoError(t, r.Shutdown(t.Context()))
	}
}

type statelessFunc struct{ sourceFunc }

func (statelessFunc) Stateless() {}

func TestAMessageIsSaidOnceAMinute(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	set := receivertest.NewNopSettings(componentType)
	set.Logger = zap.New(core)
	stats, err := newReceiverTelemetry(set)
	require.NoError(t, err)
	now := time.Unix(1_795_000_000, 0)
	stats.occurrences = conditionlog.NewOccurrences(set.Logger, func() time.Time { return now })
	torn := errors.New("torn")
	for range 5 {
		stats.BadRows(1, "a.jsonl at byte 7", torn)
	}
	stats.Vanished(1) // another message is said all the same
	now = now.Add(conditionlog.OccurrencesInterval)
	stats.BadRows(1, "a.jsonl at byte 9", torn)

	var rows []int64
	for _, entry := range logs.FilterMessage("rows cannot be read").All() {
		require.Equal(t, zap.WarnLevel, entry.Level)
		rows = append(rows, entry.ContextMap()["rows"].(int64))
	}
	require.Equal(t, []int64{1, 5}, rows)
	require.Equal(t, 1, logs.FilterMessageSnippet("vanished").Len())
}

// Names and values of rows may be passwords: whatever happens to events, the receiver's own log has none of them.
func TestNoValueOfAnEventIsLogged(t *testing.T) {
	var text bytes.Buffer
	set := receivertest.NewNopSettings(componentType)
	set.Logger = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "message"}), zapcore.AddSync(&text), zap.DebugLevel))
	next := &testPipeline{respond: func(_ context.Context, call int, logs plog.Logs) error {
		if call == 1 {
			return consumererror.NewLogs(errBusy, logs)
		}
		return consumererror.NewPermanent(consumererror.NewLogs(errPoison, logs))
	}}
	config := createDefaultConfig().(*Config)
	config.DeadLetter.Directory = filepath.Join(t.TempDir(), "letters")
	events := page("hunter2")
	r, err := newReceiver(set, config, "test", sourceFunc(func(ctx context.Context, h source.Host) error { return h.Emit(ctx, events) }), next)
	require.NoError(t, err)
	r.emitter.retry = retryPolicy{firstPause: time.Millisecond, longestPause: time.Millisecond}
	require.NoError(t, r.Start(t.Context(), newTestHost()))
	<-r.sourceDone
	require.NoError(t, r.Shutdown(t.Context()))
	require.Contains(t, text.String(), "trying again")
	require.Contains(t, text.String(), "dead letter")
	for _, value := range []string{"hunter2", events[0].ClientAddress, events[0].FailureReason, events[0].Original} {
		quoted, err := json.Marshal(value)
		require.NoError(t, err)
		require.NotContains(t, text.String(), value)
		require.NotContains(t, text.String(), string(quoted[1:len(quoted)-1]))
	}
}
