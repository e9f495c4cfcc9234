// Package sessionlogshapeprocessor makes the body of each authentication event a document of the form that a log backend knows.
package sessionlogshapeprocessor

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processorhelper"
)

// Type is the component's name in a configuration.
var Type = component.MustNewType("sessionlog_shape")

// NewFactory makes the factory.
func NewFactory() processor.Factory {
	return processor.NewFactory(Type, createDefaultConfig, processor.WithLogs(newLogs, component.StabilityLevelAlpha))
}

func createDefaultConfig() component.Config { return &Config{LeftOut: LeftOutDrop} }

func newLogs(ctx context.Context, set processor.Settings, cfg component.Config, next consumer.Logs) (processor.Logs, error) {
	p, err := newShapeProcessor(set, cfg.(*Config))
	if err != nil {
		return nil, err
	}
	return processorhelper.NewLogs(ctx, set, cfg, next, p.processLogs, processorhelper.WithCapabilities(consumer.Capabilities{MutatesData: true}))
}
