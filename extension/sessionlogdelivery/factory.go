// Package sessionlogdelivery is an extension that reads the collector's whole configuration at start and says what in the
// pipelines of authentication events can lose some of them.
package sessionlogdelivery

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type of the extension in a collector's configuration.
var Type = component.MustNewType("sessionlog_delivery")

// NewFactory makes the factory.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, defaultConfig, create, component.StabilityLevelAlpha)
}

func defaultConfig() component.Config { return &Config{OnLoss: OnLossWarn} }

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return &watcher{cfg: cfg.(*Config), log: set.Logger}, nil
}
