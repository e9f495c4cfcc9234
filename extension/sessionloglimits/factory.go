// Package sessionloglimits is a middleware for the servers of receivers: it counts what an OTLP request will decode to, and refuses
// one that exceeds a limit before it is decoded.
package sessionloglimits

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/metric"

	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
)

// Type of the extension in a collector's configuration.
var Type = component.MustNewType("sessionlog_limits")

const instrumentationScope = "github.com/otel-sessionlog/sessionlog/extension/sessionloglimits"

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, defaultConfig, createExtension, component.StabilityLevelAlpha)
}

func createExtension(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	refused, err := set.MeterProvider.Meter(instrumentationScope).Int64Counter("otelcol_extension_sessionlog_limits_refused",
		metric.WithDescription("Requests that were refused before they were decoded."), metric.WithUnit("{request}"))
	if err != nil {
		return nil, err
	}
	return &requestLimiter{cfg: cfg.(*Config), id: set.ID, refused: refused, conditions: conditionlog.New(set.Logger, time.Now)}, nil
}
