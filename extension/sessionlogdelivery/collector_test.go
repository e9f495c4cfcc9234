package sessionlogdelivery

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"
)

// sink has the type of our exporter and does nothing: the extension reads configurations only.
type sink struct {
	component.StartFunc
	component.ShutdownFunc
	consumertest.Consumer
}

func factories() (f otelcol.Factories, err error) {
	f.Telemetry = otelconftelemetry.NewFactory()
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](receivertest.NewNopFactory()); err != nil {
		return f, err
	}
	if f.Processors, err = otelcol.MakeFactoryMap[processor.Factory](batchprocessor.NewFactory()); err != nil {
		return f, err
	}
	if f.Extensions, err = otelcol.MakeFactoryMap[extension.Factory](NewFactory()); err != nil {
		return f, err
	}
	f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](exporter.NewFactory(component.MustNewType(sessionlogType),
		func() component.Config { return &struct{}{} },
		exporter.WithLogs(func(context.Context, exporter.Settings, component.Config) (exporter.Logs, error) {
			return sink{Consumer: consumertest.NewNop()}, nil
		}, component.StabilityLevelAlpha)))
	return f, err
}

// TestInCollector: a whole collector shows its configuration to the extension before a pipeline starts.
func TestInCollector(t *testing.T) {
	col, err := otelcol.NewCollector(otelcol.CollectorSettings{
		Factories:               factories,
		DisableGracefulShutdown: true,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
			URIs: []string{`yaml:
receivers: {nop: }
processors: {batch: }
exporters: {sessionlog: }
extensions: {sessionlog_delivery: {on_loss: refuse}}
service:
  telemetry: {metrics: {level: none}, logs: {level: error}}
  extensions: [sessionlog_delivery]
  pipelines: {logs: {receivers: [nop], processors: [batch], exporters: [sessionlog]}}
`},
		}},
	})
	require.NoError(t, err)
	err = col.Run(t.Context())
	require.ErrorContains(t, err, "processors::batch: it acknowledges events before they are delivered")
	require.ErrorContains(t, err, "on_loss: refuse")
}
