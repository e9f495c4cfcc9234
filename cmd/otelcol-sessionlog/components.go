package main

import (
	"errors"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/kafkaexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/bearertokenauthextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/healthcheckv2extension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/oidcauthextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/pprofextension"
	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/filterprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/redactionprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/resourceprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/filelogreceiver"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kafkareceiver"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/syslogreceiver"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/nopexporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/zpagesextension"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry/otelconftelemetry"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogconsoleexporter"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogforwardexporter"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogdelivery"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogencoding"
	"github.com/otel-sessionlog/sessionlog/extension/sessionlogexplorer"
	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits"
	"github.com/otel-sessionlog/sessionlog/processor/sessionlogshapeprocessor"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogfindingsreceiver"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
)

// distributionFactories lists the same components as config/builder.yaml.
func distributionFactories() (otelcol.Factories, error) {
	f := otelcol.Factories{Telemetry: otelconftelemetry.NewFactory()}
	var errs [5]error
	f.Extensions, f.ExtensionModules, errs[0] = callConstructors[extension.Factory](
		filestorage.NewFactory, healthcheckextension.NewFactory, healthcheckv2extension.NewFactory, zpagesextension.NewFactory, pprofextension.NewFactory,
		bearertokenauthextension.NewFactory, oidcauthextension.NewFactory,
		sessionlogdelivery.NewFactory, sessionlogencoding.NewFactory, sessionlogexplorer.NewFactory, sessionloglimits.NewFactory,
	)
	f.Receivers, f.ReceiverModules, errs[1] = callConstructors[receiver.Factory](
		otlpreceiver.NewFactory, filelogreceiver.NewFactory, syslogreceiver.NewFactory, kafkareceiver.NewFactory,
		sessionlogreceiver.NewFactory, sessionlogfindingsreceiver.NewFactory,
	)
	f.Processors, f.ProcessorModules, errs[2] = callConstructors[processor.Factory](
		batchprocessor.NewFactory, memorylimiterprocessor.NewFactory, transformprocessor.NewFactory, filterprocessor.NewFactory,
		attributesprocessor.NewFactory, resourceprocessor.NewFactory, redactionprocessor.NewFactory,
		sessionlogshapeprocessor.NewFactory,
	)
	f.Connectors, f.ConnectorModules, errs[3] = callConstructors[connector.Factory](sessiontraceconnector.NewFactory)
	f.Exporters, f.ExporterModules, errs[4] = callConstructors[exporter.Factory](
		otlpexporter.NewFactory, otlphttpexporter.NewFactory, debugexporter.NewFactory, fileexporter.NewFactory, nopexporter.NewFactory,
		kafkaexporter.NewFactory, prometheusexporter.NewFactory,
		sessionlogexporter.NewFactory, sessionlogforwardexporter.NewFactory, sessionlogconsoleexporter.NewFactory,
	)
	return f, errors.Join(errs[:]...)
}
