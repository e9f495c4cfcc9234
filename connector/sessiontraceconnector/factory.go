// Package sessiontraceconnector is a connector that ties spans and login records together: each passes through at once and
// gets from the other what is known by then. It also makes metrics of logins.
package sessiontraceconnector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
)

// Type of the connector in a collector's configuration.
var Type = component.MustNewType("sessiontrace")

// NewFactory makes the factory. The connectors of one id share one memory, which is found by their configuration: the
// collector makes one of each id and hands it to all of them.
func NewFactory() connector.Factory {
	shared := &sharedStates{byConfig: map[*Config]*sharedState{}}
	return connector.NewFactory(Type, func() component.Config { return defaultConfig() },
		connector.WithTracesToTraces(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Traces) (connector.Traces, error) {
			return &tracesConnector{sharedState: shared.findOrMakeState(set, cfg), next: next}, nil
		}, component.StabilityLevelAlpha),
		connector.WithLogsToLogs(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Logs) (connector.Logs, error) {
			return newLogsConnector(shared.findOrMakeState(set, cfg), next, set), nil
		}, component.StabilityLevelAlpha),
		connector.WithLogsToMetrics(func(_ context.Context, set connector.Settings, cfg component.Config, next consumer.Metrics) (connector.Logs, error) {
			return newMetricsConnector(shared.findOrMakeState(set, cfg), next, set), nil
		}, component.StabilityLevelAlpha),
	)
}
