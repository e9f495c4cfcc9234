package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/extension/sessionloglimits"
	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

// mistakeConverter changes nothing. It refuses durations without a unit in components of others, as the collector takes
// `timeout: 5` as five nanoseconds, limits that would stop a server with a panic, and names that are misspelt.
type mistakeConverter struct{}

// knownFactories tell the types of settings. A start resolves its configuration three times.
var knownFactories = sync.OnceValues(distributionFactories)

func (mistakeConverter) Convert(_ context.Context, conf *confmap.Conf) error {
	f, err := knownFactories()
	if err != nil {
		return err
	}
	return errors.Join(slices.Concat(
		checkDurations(conf, "receivers", f.Receivers), checkDurations(conf, "processors", f.Processors), checkDurations(conf, "exporters", f.Exporters),
		checkDurations(conf, "connectors", f.Connectors), checkDurations(conf, "extensions", f.Extensions), []error{sessionloglimits.CheckServers(conf), checkNames(conf)})...)
}

// checkDurations leaves other mistakes to the collector.
func checkDurations[F component.Factory](conf *confmap.Conf, section string, factories map[component.Type]F) []error {
	entries, _ := conf.Get(section).(map[string]any)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var id component.ID
		values, ok := entries[name].(map[string]any)
		if !ok || id.UnmarshalText([]byte(name)) != nil {
			continue
		}
		if factory, known := factories[id.Type()]; known {
			errs = append(errs, strictconfig.CheckDurations([]string{section, name}, values, factory.CreateDefaultConfig())...)
		}
	}
	return errs
}
