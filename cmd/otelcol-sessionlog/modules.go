package main

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/open-telemetry/opentelemetry-collector-contrib/confmap/provider/secretsmanagerprovider"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/otelcol"
)

// callConstructors calls constructors of factories, and returns the module of each for the command `components`.
func callConstructors[T component.Factory](constructors ...any) (map[component.Type]T, map[component.Type]string, error) {
	factories, modules := make([]T, len(constructors)), make(map[component.Type]string, len(constructors))
	for i, newFactory := range constructors {
		factories[i] = reflect.ValueOf(newFactory).Call(nil)[0].Interface().(T)
		modules[factories[i].Type()] = moduleOfFunction(newFactory)
	}
	byType, err := otelcol.MakeFactoryMap(factories...)
	return byType, modules, err
}

func providerModules() map[string]string {
	return map[string]string{
		"env": moduleOfFunction(envprovider.NewFactory), "file": moduleOfFunction(fileprovider.NewFactory), "yaml": moduleOfFunction(yamlprovider.NewFactory),
		"secretsmanager": moduleOfFunction(secretsmanagerprovider.NewFactory),
	}
}

// builtModules is read once: it is a text of hundreds of lines. It is empty where the build has none.
var builtModules = sync.OnceValue(func() []*debug.Module {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	return append(info.Deps, &debug.Module{Path: info.Main.Path, Version: version})
})

// moduleOfFunction returns "path version" as in go.mod. Where the build has no module information, it is the function's package.
func moduleOfFunction(function any) string {
	name := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	slash := strings.LastIndexByte(name, '/') + 1
	path, _, _ := strings.Cut(name[slash:], ".")
	path = name[:slash] + path
	found := path
	longest := 0
	for _, m := range builtModules() {
		if len(m.Path) > longest && (path == m.Path || strings.HasPrefix(path, m.Path+"/")) {
			found, longest = m.Path+" "+m.Version, len(m.Path)
		}
	}
	return found
}
