package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/confmap/provider/secretsmanagerprovider"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"

	"github.com/otel-sessionlog/sessionlog/exporter/sessionlogexporter"
	"github.com/otel-sessionlog/sessionlog/receiver/sessionlogreceiver"
)

const (
	exportersSection = "exporters"
	receiversSection = "receivers"
)

var (
	exporterType = sessionlogexporter.Type
	receiverType = sessionlogreceiver.NewFactory().Type()
)

// collectorConfig is a collector's configuration, of which only the blocks that a command needs are read.
type collectorConfig struct{ conf *confmap.Conf }

func readCollectorConfig(ctx context.Context, locations []string) (*collectorConfig, error) {
	if len(locations) == 0 {
		return nil, usageErrorf("name the collector's configuration with --config")
	}
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs:              locations,
		ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory(), yamlprovider.NewFactory(), secretsmanagerprovider.NewFactory()},
		DefaultScheme:     "env",
	})
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	defer func() { _ = resolver.Shutdown(ctx) }()
	conf, err := resolver.Resolve(ctx)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return &collectorConfig{conf}, nil
}

func (c *collectorConfig) namesOf(section string, wanted component.Type) (names []string) {
	blocks, _ := c.conf.Get(section).(map[string]any)
	for name := range blocks {
		var id component.ID
		if id.UnmarshalText([]byte(name)) == nil && id.Type() == wanted {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// chooseName is the one that is wanted, or the only one there is.
func (c *collectorConfig) chooseName(section string, t component.Type, flag, wanted string) (string, error) {
	names := c.namesOf(section, t)
	switch {
	case len(names) == 0:
		return "", fmt.Errorf("%s: the configuration has no %s of type %s", section, strings.TrimSuffix(section, "s"), t)
	case wanted != "" && slices.Contains(names, wanted):
		return wanted, nil
	case wanted != "":
		return "", usageErrorf("--%s %s: the configuration has %s under %s", flag, wanted, strings.Join(names, ", "), section)
	case len(names) > 1:
		return "", usageErrorf("the configuration has several under %s: choose one with --%s: %s", section, flag, strings.Join(names, ", "))
	}
	return names[0], nil
}

func (c *collectorConfig) chooseExporter(wanted string) (string, error) {
	return c.chooseName(exportersSection, exporterType, "exporter", wanted)
}

func (c *collectorConfig) exporterConfig(name string) (*sessionlogexporter.Config, error) {
	cfg, err := c.componentConfig(exportersSection, name, sessionlogexporter.NewFactory())
	if err != nil {
		return nil, err
	}
	return cfg.(*sessionlogexporter.Config), nil
}

func (c *collectorConfig) receiverConfig(name string) (*sessionlogreceiver.Config, error) {
	cfg, err := c.componentConfig(receiversSection, name, sessionlogreceiver.NewFactory())
	if err != nil {
		return nil, err
	}
	return cfg.(*sessionlogreceiver.Config), nil
}

func (c *collectorConfig) componentConfig(section, name string, factory component.Factory) (component.Config, error) {
	cfg := factory.CreateDefaultConfig()
	block, err := c.conf.Sub(section + "::" + name)
	if err == nil {
		err = block.Unmarshal(&cfg)
	}
	if err == nil {
		err = confmap.Validate(cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("%s::%s: %w", section, name, err)
	}
	return cfg, nil
}
