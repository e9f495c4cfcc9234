// Command otelcol-sessionlog is the OpenTelemetry Collector with everything that this project makes, and what a small
// collector needs besides.
package main

import (
	"errors"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run()) }

// run is the process; its result is the exit status: 0 after a clean stop, 1 after whatever else, but for commands with statuses of their own.
func run() int {
	var atExit []func()
	err := newCommand(settings(), &atExit).Execute() // which prints the error
	for _, do := range atExit {
		do()
	}
	switch exit := (exitStatus{}); {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.status
	}
	return 1
}

func settings() otelcol.CollectorSettings {
	return otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol-sessionlog", Description: "OpenTelemetry Collector for authentication events", Version: version},
		Factories: components, ProviderModules: providerModules(),
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories:  []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory()},
			ConverterFactories: []confmap.ConverterFactory{confmap.NewConverterFactory(newMistakeConverter)},
			DefaultScheme:      "env",
		}},
	}
}
