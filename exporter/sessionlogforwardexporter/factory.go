// Package sessionlogforwardexporter is the exporter component that sends authentication events to log backends of others, as documents in
// their own shape, and reads what became of each.
package sessionlogforwardexporter

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
)

// Type of the exporter in a collector's configuration.
var Type = component.MustNewType("sessionlog_forward")

const meterScope = "github.com/otel-sessionlog/sessionlog/exporter/sessionlogforwardexporter"

// NewFactory makes the factory.
func NewFactory() exporter.Factory {
	return exporter.NewFactory(Type, createDefaultConfig, exporter.WithLogs(createLogs, component.StabilityLevelAlpha))
}

func createLogs(ctx context.Context, set exporter.Settings, cfg component.Config) (exporter.Logs, error) {
	c := cfg.(*Config)
	to := newSender(c.TargetConfig, set.TelemetrySettings, set.BuildInfo.Version)
	return sessionlogexporter.NewEventExporter(ctx, set, c.DeliveryConfig, sessionlogexporter.Destination{
		Backend: to, Key: "endpoint", MeterScope: meterScope, DeadLetterDirectory: c.DeadLetter.Directory, Check: to.checkTarget,
	})
}
