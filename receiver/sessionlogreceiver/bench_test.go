package sessionlogreceiver

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otel-sessionlog/sessionlog/internal/redaction"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

func typical(n int) []session.Event {
	events := make([]session.Event, n)
	for i := range events {
		sessiontest.Typical(&events[i], i)
	}
	return events
}

func nopEmitter(tb testing.TB, redact redaction.Config) *eventEmitter {
	tb.Helper()
	config := createDefaultConfig().(*Config)
	config.Redact = redact
	config.DeadLetter.Directory = filepath.Join(tb.TempDir(), "letters")
	set := receivertest.NewNopSettings(componentType)
	stats, err := newReceiverTelemetry(set)
	require.NoError(tb, err)
	e, err := newEventEmitter(set, config, "test", consumertest.NewNop(), stats, &statusReporter{host: newTestHost()})
	require.NoError(tb, err)
	return e
}

// perPage is what the way through the receiver may allocate beside the encoding, whatever the number of records.
const perPage = 40

func TestTheWayThroughAllocatesNothingPerRecord(t *testing.T) {
	events := typical(2000)
	encoder := plogs.NewEncoder("")
	encoding := testing.AllocsPerRun(20, func() { encoder.Encode(events) })
	e := nopEmitter(t, redaction.DefaultConfig())
	through := testing.AllocsPerRun(20, func() {
		if err := e.emitBatch(t.Context(), events); err != nil {
			t.Error(err)
		}
	})
	require.LessOrEqual(t, through-encoding, float64(perPage))
}

// BenchmarkEmit is an event's way from the source through the receiver, beside the encoding alone.
func BenchmarkEmit(b *testing.B) {
	events := typical(8192)
	b.Run("encode alone", func(b *testing.B) {
		encoder := plogs.NewEncoder("")
		for b.Loop() {
			encoder.Encode(events)
		}
		rate(b, len(events))
	})
	for _, mode := range []string{redaction.ModeKeep, redaction.ModeDrop, redaction.ModeHash} {
		b.Run("emit, "+mode, func(b *testing.B) {
			e := nopEmitter(b, redaction.Config{Preset: redaction.PresetNone, Users: mode, Key: redactKey})
			for b.Loop() {
				if err := e.emitBatch(b.Context(), events); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, len(events))
		})
	}
}

func rate(b *testing.B, perLoop int) {
	b.ReportMetric(float64(b.N)*float64(perLoop)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(0, "ns/op")
}
