// Package sessionlogexporter is the exporter component: it keeps authentication events in a backend, and says yes only when
// they are durable there.
package sessionlogexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// Type of the exporter in a collector's configuration.
var Type = component.MustNewType("sessionlog")

// NewFactory makes the factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(Type, createDefaultConfig, exporter.WithLogs(createLogs, component.StabilityLevelAlpha))
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	c := cfg.(*Config)
	chosen, err := chooseBackend(knownBackends, c)
	if err != nil {
		return nil, err
	}
	store, err := chosen.openBackend(c, set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newExporter(ctx, set, c, store)
}

func newExporter(ctx context.Context, set exporter.Settings, c *Config, store backend.Backend) (*sessionlogExporter, error) {
	chosen, err := chooseBackend(knownBackends, c)
	if err != nil {
		return nil, err
	}
	return newEventExporter(ctx, set, c.DeliveryConfig, Destination{
		Backend: store, Key: chosen.key, MeterScope: meterScope, Timeout: c.TimeoutConfig, DeadLetterDirectory: c.deadLetterDirectory(), Check: c.CheckConnection,
	})
}
