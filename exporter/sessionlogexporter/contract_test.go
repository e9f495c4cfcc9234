package sessionlogexporter

import (
	"context"
	"iter"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/receiver"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// TestConsumeContract runs the collector's own check of exporters: everything arrives, what fails for now is tried again,
// what fails for good is not. The check decides each write's fate in a receiver of its own, which stands behind the store.
func TestConsumeContract(t *testing.T) {
	fate := &faultRelay{}
	exportertest.CheckConsumeContract(exportertest.CheckConsumeContractParams{
		T: t, NumberOfTestElements: 20, Signal: pipeline.SignalLogs,
		ExporterFactory: exporter.NewFactory(Type, createDefaultConfig, exporter.WithLogs(
			func(context.Context, exporter.Settings, component.Config) (exporter.Logs, error) {
				r := newRig(t, t.TempDir(), func(c *Config) { c.QueueConfig.Get().Batch.GetOrInsertDefault().FlushTimeout = time.Millisecond }, fate.before)
				return loginsOnly{r}, nil
			}, component.StabilityLevelAlpha)),
		ExporterConfig: createDefaultConfig(),
		ReceiverFactory: receiver.NewFactory(component.MustNewType("relay"), func() component.Config { return &struct{}{} }, receiver.WithLogs(
			func(_ context.Context, _ receiver.Settings, _ component.Config, next consumer.Logs) (receiver.Logs, error) {
				fate.next = next
				return fate, nil
			}, component.StabilityLevelAlpha)),
		ReceiverConfig: &struct{}{},
	})
}

// faultRelay asks the check's consumer for the fate of a write before the real store does it.
type faultRelay struct {
	component.StartFunc
	component.ShutdownFunc
	next consumer.Logs
}

func (r *faultRelay) before(b backend.Backend) backend.Backend {
	return faultyBackend{b, func(ctx context.Context, events iter.Seq2[int, *session.Event], next backend.Backend) (backend.Result, error) {
		var list []session.Event
		for _, e := range events {
			list = append(list, session.Event{})
			e.CopyTo(&list[len(list)-1])
		}
		if err := r.next.ConsumeLogs(ctx, plogs.NewEncoder("test").Encode(list)); err != nil {
			return backend.Result{}, err
		}
		return next.Write(ctx, events)
	}}
}

// loginsOnly makes the check's records logins: nothing else passes.
type loginsOnly struct{ exporter.Logs }

func (l loginsOnly) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	lr := firstRecord(ld)
	lr.SetEventName(session.KindLogin.EventName())
	return l.Logs.ConsumeLogs(ctx, ld)
}
