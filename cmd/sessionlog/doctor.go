package main

import (
	"errors"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/collector/component"

	"github.com/otel-sessionlog/sessionlog/connector/sessiontraceconnector"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogforwardexporter"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
)

// checkedComponents are those of this project that say whether what they connect to is as they need it.
var checkedComponents = []struct {
	kind, section string
	factory       component.Factory
}{
	{"receiver", receiversSection, sessionlogreceiver.NewFactory()},
	{"connector", "connectors", sessiontraceconnector.NewFactory()},
	{"exporter", exportersSection, sessionlogexporter.NewFactory()},
	{"exporter", exportersSection, sessionlogforwardexporter.NewFactory()},
}

func newDoctorCommand(s commandEnvironment, target *storeTarget) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Tries every source and store, and prints what mends what is missing",
		Long: "doctor tries login, tables, grants, time zone and logging settings of every source and store of a configuration, or of one store, and prints what is\n" +
			"missing and the statement that mends it. Nothing is changed. It is what otelcol-sessionlog validate --connect does.",
		Example: "  sessionlog doctor --config collector.yaml",
		Args:    noArguments(""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			components, err := target.componentsToCheck(cmd, s.variable)
			if err != nil {
				return err
			}
			if !connectcheck.Run(cmd.Context(), s.out, components) {
				return errors.New("some checks failed: see above")
			}
			return nil
		},
	}
}

func (t *storeTarget) componentsToCheck(cmd *cobra.Command, variable func(string) string) (components []connectcheck.Component, err error) {
	if len(t.configs) == 0 {
		cfg, name, err := t.exporterConfig(cmd.Context(), variable)
		return []connectcheck.Component{{Name: name, Config: cfg}}, err
	}
	config, err := readCollectorConfig(cmd.Context(), t.configs)
	if err != nil {
		return nil, err
	}
	for _, checked := range checkedComponents {
		for _, name := range config.namesOf(checked.section, checked.factory.Type()) {
			cfg, err := config.componentConfig(checked.section, name, checked.factory)
			if err != nil {
				return nil, err
			}
			components = append(components, connectcheck.Component{Name: checked.kind + " " + name, Config: cfg})
		}
	}
	if len(components) == 0 {
		return nil, errors.New("the configuration has no component of this project under receivers, connectors or exporters")
	}
	return components, nil
}
