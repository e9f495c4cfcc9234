package sessionlogreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

var (
	componentType      = component.MustNewType("sessionlog")
	componentStability = component.StabilityLevelAlpha
)

// FactoryOption changes what the receivers of a factory have in common.
type FactoryOption func(*logsReceiver)

// WithClock gives the receivers another clock than time.Now.
func WithClock(now func() time.Time) FactoryOption {
	return func(r *logsReceiver) { r.now = now }
}

// NewFactory makes the factory of the receiver "sessionlog".
func NewFactory(options ...FactoryOption) receiver.Factory {
	create := func(ctx context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
		r, err := createLogsReceiver(ctx, set, cfg, next)
		if err != nil {
			return nil, err
		}
		for _, option := range options {
			option(r)
		}
		return r, nil
	}
	return receiver.NewFactory(componentType, createDefaultConfig, receiver.WithLogs(create, componentStability))
}

func createLogsReceiver(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (*logsReceiver, error) {
	config := cfg.(*Config)
	block, err := config.selectedSource()
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
