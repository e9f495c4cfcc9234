package sessionlogshapeprocessor

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/internal/metrictest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a processor with what comes out of it.
type rig struct {
	processor.Logs
	sink      *consumertest.LogsSink
	warnings  *observer.ObservedLogs
	telemetry *metrictest.Reader
}

func startProcessor(t *testing.T, config map[string]any) *rig {
	t.Helper()
	cfg := createDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(config).Unmarshal(cfg))
	require.NoError(t, confmap.Validate(cfg))
	r := &rig{sink: new(consumertest.LogsSink), telemetry: metrictest.NewReader(t)}
	set := processortest.NewNopSettings(Type)
	set.TelemetrySettings = r.telemetry.TelemetrySettings
	core, logs := observer.New(zap.WarnLevel)
	set.Logger, r.warnings = zap.New(core), logs
	p, err := NewFactory().CreateLogs(t.Context(), set, cfg, r.sink)
	require.NoError(t, err)
	r.Logs = p
	require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, p.Shutdown(context.Background())) })
	return r
}

// someLogs are a login, a logout, an update of its session, and a record that is no event.
func someLogs() plog.Logs {
	events := make([]session.Event, 3)
	sessiontest.Typical(&events[0], 0)
	sessiontest.Typical(&events[1], 1)
	sessiontest.Typical(&events[2], 0)
	events[2].Kind = session.KindSessionUpdate
	ld := plogs.NewEncoder("1").Encode(events)
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("a line of something else")
	return ld
}

func (r *rig) received(t *testing.T) []plog.LogRecord {
	t.Helper()
	require.Len(t, r.sink.AllLogs(), 1)
	return allRecords(r.sink.AllLogs()[0])
}

func (r *rig) leftOut(t *testing.T) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, point := range r.telemetry.Points(t, "otelcol_processor_sessionlog_shape_left_out") {
		kind, _ := point.Attributes.Value("kind")
		counts[kind.AsString()] = int64(point.Value)
	}
	return counts
}

func TestBodiesBecomeDocuments(t *testing.T) {
	for format, want := range map[string]string{
		"ocsf": `"class_uid":3002`, "ecs": `"event":{`, "cim": `"action":"success"`, "flat": `"event_name":"sessionlog.login"`, "cef": "CEF:0|otel-sessionlog|clickhouse|",
	} {
		t.Run(format, func(t *testing.T) {
			r := startProcessor(t, map[string]any{"format": format, "left_out": "keep"})
			before := someLogs()
			require.NoError(t, r.ConsumeLogs(t.Context(), someLogs()))
			got := r.received(t)
			require.Len(t, got, 4)
			require.Contains(t, got[0].Body().AsString(), want)
			for i, record := range allRecords(before) {
				require.Equal(t, record.Attributes().AsRaw(), got[i].Attributes().AsRaw(), "attributes and record id stay")
				require.Equal(t, record.EventName(), got[i].EventName())
			}
			require.Equal(t, "a line of something else", got[3].Body().Str())
			if format == "cef" {
				return
			}
			require.Equal(t, pcommon.ValueTypeMap, got[0].Body().Type())
			require.True(t, json.Valid([]byte(got[0].Body().AsString())))
		})
	}
}

func TestEventsThatAreLeftOut(t *testing.T) {
	r := startProcessor(t, map[string]any{"format": "cim"})
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs()))
	require.Len(t, r.received(t), 2, "the login, and what is no event")
	require.Equal(t, map[string]int64{"logout": 1, "session.update": 1}, r.leftOut(t))
	require.Zero(t, r.warnings.Len())

	r = startProcessor(t, map[string]any{"format": "cim", "left_out": "keep"})
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs()))
	require.Equal(t, pcommon.ValueTypeStr, r.received(t)[1].Body().Type(), "the logout is as it was")
	require.Equal(t, map[string]int64{"logout": 1, "session.update": 1}, r.leftOut(t))

	r = startProcessor(t, map[string]any{"format": "ecs", "kinds": []string{"logout"}})
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs()))
	require.NoError(t, r.ConsumeLogs(t.Context(), someLogs()))
	require.Equal(t, int64(2), r.leftOut(t)["login"])
	require.Equal(t, 1, r.warnings.Len(), "once")
	require.Contains(t, r.warnings.All()[0].Message, "add login to kinds")
	require.NotContains(t, r.warnings.All()[0].Message, "alice")
}

// TestABatchOfNothing is not passed on.
func TestABatchOfNothing(t *testing.T) {
	r := startProcessor(t, map[string]any{"format": "cim"})
	logout := make([]session.Event, 1)
	sessiontest.Typical(&logout[0], 1)
	require.NoError(t, r.ConsumeLogs(t.Context(), plogs.NewEncoder("1").Encode(logout)))
	require.Empty(t, r.sink.AllLogs())
}

func TestManyBatchesAtOnce(t *testing.T) {
	r := startProcessor(t, map[string]any{"format": "ocsf"})
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for range 20 {
				if err := r.ConsumeLogs(t.Context(), someLogs()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	require.Equal(t, 8*20*3, r.sink.LogRecordCount())
}

func TestMistakesInTheConfiguration(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	for want, config := range map[string]map[string]any{
		`format: "" is not known`:                   {},
		`format: "leef" is not known: write one of`: {"format": "leef"},
		`left_out: "warn" is neither drop nor keep`: {"format": "ecs", "left_out": "warn"},
		`kinds: "session.end" is not known`:         {"format": "ecs", "kinds": []string{"session.end"}},
		"formt":                                     {"formt": "ecs"},
	} {
		cfg := createDefaultConfig()
		err := confmap.NewFromStringMap(config).Unmarshal(cfg)
		if err == nil {
			err = confmap.Validate(cfg)
		}
		require.ErrorContains(t, err, want)
	}
}
