// Package sessionlogfindingsreceiver is a receiver that asks on a schedule what is worth a look among the stored logins, and delivers each finding
// once, as a log record.
package sessionlogfindingsreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
)

const scopeName = "github.com/otel-sessionlog/sessionlog/receiver/sessionlogfindingsreceiver"

var (
	componentType      = component.MustNewType("sessionlog_findings")
	componentStability = component.StabilityLevelAlpha
)

// FactoryOption changes what the receivers of a factory have in common.
type FactoryOption func(*findingsReceiver)

// WithClock gives the receivers another clock than time.Now.
func WithClock(now func() time.Time) FactoryOption {
	return func(r *findingsReceiver) { r.now = now }
}

// NewFactory makes the factory of the receiver.
func NewFactory(options ...FactoryOption) receiver.Factory {
	create := func(_ context.Context, set receiver.Settings, cfg component.Config, next consumer.Logs) (receiver.Logs, error) {
		r, err := newFindingsReceiver(set, cfg.(*Config), next)
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
