// Command otelcol-sessionlog is the OpenTelemetry Collector with this project's components, and those that a small
// collector needs besides.
package main

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/open-telemetry/opentelemetry-collector-contrib/confmap/provider/secretsmanagerprovider"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// version is set by the linker; go install sets none, but builds a version of the module.
var version string

func init() {
	if version == "" {
		version = installedVersion()
	}
}

func installedVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func main() { os.Exit(runProcess()) }

func runProcess() int {
	boundHeapGrowth()
	unmapBinary() // what the init functions of all packages have touched
	var atExit []func()
	err := newCommand(collectorSettings(), &atExit).Execute() // which prints the error
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

func collectorSettings() otelcol.CollectorSettings {
	return otelcol.CollectorSettings{
		BuildInfo: component.BuildInfo{Command: "otelcol-sessionlog", Description: "OpenTelemetry Collector for authentication events", Version: version},
		Factories: distributionFactories, ProviderModules: providerModules(),
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			ProviderFactories:  []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory(), secretsmanagerprovider.NewFactory()},
			ConverterFactories: []confmap.ConverterFactory{confmap.NewConverterFactory(func(confmap.ConverterSettings) confmap.Converter { return mistakeConverter{} })},
			DefaultScheme:      "env",
		}},
	}
}
