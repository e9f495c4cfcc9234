// Package sessionlogencoding is an extension that lets other receivers of the collector (object stores, queues, webhooks)
// decode the log formats that this project reads.
package sessionlogencoding

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

// Type of the extension in a collector's configuration.
var Type = component.MustNewType("sessionlog_encoding")

// NewFactory returns the factory of the extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(Type, defaultConfig, createExtension, component.StabilityLevelAlpha)
}

func defaultConfig() component.Config { return &Config{Format: formatAuto, Envelope: EnvelopeNone} }

func createExtension(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	config := cfg.(*Config)
	marshaler, err := newMarshaler(config, set)
	if err != nil || config.Shape != "" && !config.decodesLogs() {
		return marshaler, err
	}
	unmarshaler, err := newEncoding(config, set)
	if err != nil || config.Shape == "" {
		return unmarshaler, err
	}
	return &bothWays{logEncoding: unmarshaler, logMarshaler: marshaler}, nil
}
