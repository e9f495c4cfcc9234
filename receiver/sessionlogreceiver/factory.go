package sessionlogreceiver

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

var (
	componentType = component.MustNewType("sessionlog")
	stability     = component.StabilityLevelAlpha
)

// NewFactory makes the factory of the receiver "sessionlog".
func NewFactory() receiver.Factory {
	return receiver.NewFactory(componentType, createDefaultConfig, receiver.WithLogs(createLogs, stability))
}

func createLogs(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
	config := cfg.(*Config)
	block, err := config.source()
	if err != nil {
		return nil, err
	}
	instance := config.Instance
	if instance == "" {
		instance = block.defaultInstance()
	}
	src, err := block.build(instance, set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return newReceiver(set, config, block.key, src, next)
}
