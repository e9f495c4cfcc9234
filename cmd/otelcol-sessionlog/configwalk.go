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

// walkUsedConfigs calls f as walkConfig does, for each component that a pipeline or the service uses.
func walkUsedConfigs(config *otelcol.Config, f func(key string, value any) bool) {
	walk := func(section string, configs map[component.ID]component.Config, used []component.ID) {
		for _, id := range used {
			walkConfig(reflect.ValueOf(configs[id]), []string{section, id.String()}, f)
		}
	}
	walk("receivers", config.Receivers, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Receivers }))
	walk("processors", config.Processors, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Processors }))
	walk("exporters", config.Exporters, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Exporters }))
	walk("connectors", config.Connectors, componentsInUse(config.Service.Pipelines, func(p *pipelines.PipelineConfig) []component.ID { return p.Exporters }))
	walk("extensions", config.Extensions, config.Service.Extensions)
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

// walkConfig calls f with the key and the value of every struct of a configuration, and goes into those of which it returns true.
func walkConfig(v reflect.Value, path []string, f func(key string, value any) bool) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walkConfig(v.Elem(), path, f)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walkConfig(v.Index(i), path, f)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			walkConfig(v.MapIndex(key), append(slices.Clip(path), fmt.Sprint(key)), f)
		}
	case reflect.Struct:
		if !f(strings.Join(path, "::"), v.Interface()) {
			return
		}
		if value, ok := valueOfOptional(v); ok {
			walkConfig(value, path, f)
			return
		}
		walkFields(v, path, f)
	}
}

func walkFields(v reflect.Value, path []string, f func(key string, value any) bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case name == "" || strings.Contains(options, "squash"):
			walkConfig(v.Field(i), path, f)
		default:
			walkConfig(v.Field(i), append(slices.Clip(path), name), f)
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

// withoutSquashedNames removes from an error the names of structs whose keys are in the block around them: nobody can write these.
func withoutSquashedNames(config *otelcol.Config, err error) error {
	names := map[string]bool{}
	for _, configs := range []map[component.ID]component.Config{config.Receivers, config.Processors, config.Exporters, config.Connectors, config.Extensions} {
		for _, c := range configs {
			collectSquashedNames(reflect.TypeOf(c), names)
		}
	}
	text := err.Error()
	for name := range names {
		text = strings.ReplaceAll(text, "::"+name+"::", "::")
		text = strings.ReplaceAll(text, "::"+name+": ", ": ")
	}
	return errors.New(text)
}

func collectSquashedNames(t reflect.Type, names map[string]bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return
	}
	for i := range t.NumField() {
		if field := t.Field(i); field.Tag.Get("mapstructure") == ",squash" {
			names[strings.ToLower(field.Name)] = true
			collectSquashedNames(field.Type, names)
		}
	}
}
