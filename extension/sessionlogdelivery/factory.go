// Package sessionlogdelivery is an extension that reads the collector's whole configuration at start and warns of what in the
// pipelines of authentication events can lose some of them.
package sessionlogdelivery

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type of the extension in a collector's configuration.
var Type = component.MustNewType("sessionlog_delivery")

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, defaultConfig, createExtension, component.StabilityLevelAlpha)
}

func defaultConfig() component.Config { return &Config{OnLoss: OnLossWarn} }

func createExtension(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return &configWatcher{cfg: cfg.(*Config), log: set.Logger}, nil
}
