package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/internal/strictconfig"
)

var topLevelKeys = []string{"receivers", "processors", "exporters", "connectors", "extensions", "service"}

func checkNames(conf *confmap.Conf) error {
	// The collector refuses these too, without saying what was meant. Names that resemble nothing are left to it.
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(conf.ToStringMap())) {
		if meant := strictconfig.NearestName(key, topLevelKeys); meant != "" && !slices.Contains(topLevelKeys, key) {
			errs = append(errs, fmt.Errorf("%s: unknown key; did you mean %s?", key, meant))
		}
	}
	check := func(path string, sections ...string) {
		names, _ := conf.Get(path).([]any)
		known := configuredNames(conf, sections)
		for _, name := range names {
			text := fmt.Sprint(name)
			if meant := strictconfig.NearestName(text, known); meant != "" && !slices.Contains(known, text) {
				errs = append(errs, fmt.Errorf("%s: %s is not configured under %s; did you mean %s?", path, text, strings.Join(sections, " or "), meant))
			}
		}
	}
	pipelines, _ := conf.Get("service::pipelines").(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(pipelines)) {
		path := "service::pipelines::" + name + "::"
		check(path+"receivers", "receivers", "connectors")
		check(path+"processors", "processors")
		check(path+"exporters", "exporters", "connectors")
	}
	check("service::extensions", "extensions")
	return errors.Join(errs...)
}

func configuredNames(conf *confmap.Conf, sections []string) (names []string) {
	for _, section := range sections {
		components, _ := conf.Get(section).(map[string]any)
		names = slices.AppendSeq(names, maps.Keys(components))
	}
	return names
}
