// Package sessionlogexplorer is an extension that shows logins in a browser: a static page, and the HTTP API that the page asks. It reads a
// backend of the sessionlog exporter and changes nothing there.
package sessionlogexplorer

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type of the extension in a collector's configuration.
var Type = component.MustNewType("sessionlog_explorer")

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, createDefaultConfig, createExtension, component.StabilityLevelAlpha)
}

func createExtension(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newExplorer(set, cfg.(*Config))
}
