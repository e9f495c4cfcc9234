// Package sessionlogexporter is the exporter component: it keeps authentication events in a backend, and says yes only when
// they are durable there.
package sessionlogexporter

import (
	"context"
	"iter"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Type of the exporter in a collector's configuration.
var Type = component.MustNewType("sessionlog")

// NewFactory makes the factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(Type, createDefaultConfig, exporter.WithLogs(createLogs, component.StabilityLevelAlpha))
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	c := cfg.(*Config)
	store, err := c.openBackend(set)
	if err != nil {
		return nil, err
	}
	return newExporter(ctx, set, c, store)
}

// NewImporter is an exporter of this configuration for whoever writes many events at once and waits for them: its queue is in memory and its
// callers wait for the result, whatever sending_queue and retry_on_failure say. written gets what became of each batch, also of one that is
// tried again.
func (c *Config) NewImporter(ctx context.Context, set exporter.Settings, written func(backend.Result)) (exporter.Logs, error) {
	own, usual := *c, DefaultDeliveryConfig()
	if s := c.Seal.Get(); c.Seal.HasValue() { // the collector may go on in its own log
		own.Seal = configoptional.Some(s.ForImport())
	}
	store, err := own.openBackend(set)
	if err != nil {
		return nil, err
	}
	own.QueueConfig, own.BackOffConfig, own.TimeoutConfig = usual.QueueConfig, usual.BackOffConfig, exporterhelper.TimeoutConfig{}
	return newExporter(ctx, set, &own, observedBackend{store, written})
}

// observedBackend reports what became of each batch.
type observedBackend struct {
	backend.Backend
	written func(backend.Result)
}

func (o observedBackend) Write(ctx context.Context, events iter.Seq2[int, *session.Event]) (backend.Result, error) {
	result, err := o.Backend.Write(ctx, events)
	if err == nil {
		o.written(result)
	}
	return result, err
}

func newExporter(ctx context.Context, set exporter.Settings, c *Config, store backend.Backend) (*sessionlogExporter, error) {
	chosen, err := c.chooseBackend()
	if err != nil {
		return nil, err
	}
	return newEventExporter(ctx, set, c.DeliveryConfig, Destination{
		Backend: store, Key: chosen.Key, MeterScope: meterScope, Timeout: c.TimeoutConfig, DeadLetterDirectory: c.deadLetterDirectory(), Check: chosen.CheckConnection,
	})
}
