package main

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/service/pipelines"
)

// checkReferences finds extensions that a component in use names (a storage, an authenticator, a middleware) and that are not started.
// The collector checks this only at start.
func checkReferences(config *otelcol.Config) error {
	var errs []error
	check := func(section string, configs map[component.ID]component.Config, used []component.ID) {
		for _, id := range used {
			walkComponentIDs(reflect.ValueOf(configs[id]), []string{section, id.String()}, func(key string, extension component.ID) {
				if !slices.Contains(config.Service.Extensions, extension) {
					errs = append(errs, fmt.Errorf("%s: the extension %s does not run: write it under service::extensions, and under extensions", key, extension))
				}
			})
		}
	}
	check("receivers", config.Receivers, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Receivers }))
	check("processors", config.Processors, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Processors }))
	check("exporters", config.Exporters, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Exporters }))
	check("connectors", config.Connectors, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Exporters }))
	check("extensions", config.Extensions, config.Service.Extensions)
	return errors.Join(errs...)
}

func componentsInUse(all map[pipeline.ID]*pipelines.PipelineConfig, idsOf func(*pipelines.PipelineConfig) []component.ID) []component.ID {
	used := map[component.ID]bool{}
	for _, p := range all {
		for _, id := range idsOf(p) {
			used[id] = true
		}
	}
	return slices.SortedFunc(maps.Keys(used), func(a, b component.ID) int { return strings.Compare(a.String(), b.String()) })
}

// walkComponentIDs calls f with the key and the value of every component.ID that is set below a configuration.
func walkComponentIDs(v reflect.Value, path []string, f func(key string, id component.ID)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walkComponentIDs(v.Elem(), path, f)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walkComponentIDs(v.Index(i), path, f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walkComponentIDs(v.MapIndex(key), append(slices.Clip(path), fmt.Sprint(key)), f)
		}
	case reflect.Struct:
		if id, ok := v.Interface().(component.ID); ok {
			if id != (component.ID{}) {
				f(strings.Join(path, "::"), id)
			}
			return
		}
		if value, ok := valueOfOptional(v); ok {
			walkComponentIDs(value, path, f)
			return
		}
		walkFieldComponentIDs(v, path, f)
	}
}

func walkFieldComponentIDs(v reflect.Value, path []string, f func(key string, id component.ID)) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case name == "" || strings.Contains(options, "squash"):
			walkComponentIDs(v.Field(i), path, f)
		default:
			walkComponentIDs(v.Field(i), append(slices.Clip(path), name), f)
		}
	}
}

func valueOfOptional(v reflect.Value) (reflect.Value, bool) {
	if !strings.HasPrefix(v.Type().Name(), "Optional[") {
		return reflect.Value{}, false
	}
	addressable := reflect.New(v.Type())
	addressable.Elem().Set(v)
	get := addressable.MethodByName("Get")
	if !get.IsValid() {
		return reflect.Value{}, false
	}
	return get.Call(nil)[0], true
}
