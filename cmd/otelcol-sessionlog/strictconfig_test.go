package main

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// ourFactories are the components of this project in the distribution, by kind and type.
func ourFactories(t *testing.T) map[string]component.Factory {
	t.Helper()
	f, err := distributionFactories()
	require.NoError(t, err)
	ours := map[string]component.Factory{}
	keepOurs(ours, "receivers", f.Receivers)
	keepOurs(ours, "processors", f.Processors)
	keepOurs(ours, "exporters", f.Exporters)
	keepOurs(ours, "connectors", f.Connectors)
	keepOurs(ours, "extensions", f.Extensions)
	require.Contains(t, ours, "connectors::sessiontrace")
	return ours
}

func keepOurs[F component.Factory](ours map[string]component.Factory, kind string, factories map[component.Type]F) {
	for name, factory := range factories {
		if strings.HasPrefix(reflect.TypeOf(factory.CreateDefaultConfig()).Elem().PkgPath(), "github.com/otel-sessionlog/") {
			ours[kind+"::"+name.String()] = factory
		}
	}
}

// structOf is the struct behind pointers and configoptional.Optional, or nil.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if get, ok := reflect.PointerTo(t).MethodByName("Get"); ok && strings.HasPrefix(t.Name(), "Optional[") {
		return structOf(get.Type.Out(0))
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// walkKeys calls f with the path of every key of a configuration, and the type of its value.
func walkKeys(t reflect.Type, path []string, f func([]string, reflect.Type)) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		inner := structOf(field.Type)
		if strings.Contains(options, "squash") {
			walkKeys(inner, path, f)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		below := append(append([]string{}, path...), name)
		f(below, field.Type)
		if inner != nil && inner.Name() != "ID" {
			walkKeys(inner, below, f)
		}
	}
}

func nested(path []string, value any) map[string]any {
	for i := len(path) - 1; i > 0; i-- {
		value = map[string]any{path[i]: value}
	}
	return map[string]any{path[0]: value}
}

// TestEveryDurationNeedsAUnit of every component of ours, in whatever block it stands.
func TestEveryDurationNeedsAUnit(t *testing.T) {
	tried := 0
	for name, factory := range ourFactories(t) {
		walkKeys(structOf(reflect.TypeOf(factory.CreateDefaultConfig())), nil, func(path []string, kind reflect.Type) {
			if kind != reflect.TypeFor[time.Duration]() {
				return
			}
			tried++
			err := confmap.NewFromStringMap(nested(path, 5)).Unmarshal(factory.CreateDefaultConfig())
			require.ErrorContains(t, err, strings.Join(path, "::")+": 5 has no unit; write ", "%s", name)
			require.NoError(t, confmap.NewFromStringMap(nested(path, "5s")).Unmarshal(factory.CreateDefaultConfig()))
		})
	}
	require.Greater(t, tried, 40)
}

// TestEveryBlockExplainsUnknownKeys: a key whose last letter is missing or doubled is asked back.
func TestEveryBlockExplainsUnknownKeys(t *testing.T) {
	tried := 0
	for name, factory := range ourFactories(t) {
		walkKeys(structOf(reflect.TypeOf(factory.CreateDefaultConfig())), nil, func(path []string, _ reflect.Type) {
			key := path[len(path)-1]
			wrong := append(append([]string{}, path[:len(path)-1]...), key+key[len(key)-1:])
			err := confmap.NewFromStringMap(nested(wrong, nil)).Unmarshal(factory.CreateDefaultConfig())
			require.ErrorContains(t, err, strings.Join(wrong, "::")+": unknown key; did you mean ", "%s", name)
			tried++
		})
	}
	require.Greater(t, tried, 100)
}
