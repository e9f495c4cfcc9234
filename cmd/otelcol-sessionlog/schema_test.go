package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.yaml.in/yaml/v3"
)

// schema is a JSON schema of a configuration, as editors read it.
type schema map[string]any

// A value may come from the environment whatever its type.
var (
	fromEnvironment = schema{"type": "string", "pattern": `\$\{.+\}`}
	durationSchema  = schema{"anyOf": []any{schema{"type": "string", "pattern": `^[-+]?([0-9.]+(ns|us|µs|ms|s|m|h))+$`}, schema{"const": 0}, fromEnvironment}}
)

// TestSchemasAreOfTheConfigurations: config/collector.schema.json lets an editor complete a configuration file and mark what is wrong in
// it; config.schema.yaml beside a component is its part. Words come from the READMEs, keys and types from the code. UPDATE_DOCS=1 writes
// them.
func TestSchemasAreOfTheConfigurations(t *testing.T) {
	sections := schema{}
	for name, factory := range ourFactories(t) {
		section, kind, _ := strings.Cut(name, "::")
		config := reflect.TypeOf(factory.CreateDefaultConfig())
		folder := filepath.Join("../..", strings.TrimPrefix(config.Elem().PkgPath(), ourModule))
		own := schemaOf(t, config, nil, map[string]string{})
		own["description"] = "README: " + strings.TrimPrefix(config.Elem().PkgPath(), ourModule)
		var text strings.Builder
		text.WriteString("# From the code and README.md: UPDATE_DOCS=1 go test ./cmd/otelcol-sessionlog writes it.\n")
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		require.NoError(t, encoder.Encode(own))
		requireWritten(t, filepath.Join(folder, "config.schema.yaml"), text.String())

		if sections[section] == nil {
			sections[section] = schema{"type": []string{"object", "null"}, "patternProperties": schema{}}
		}
		sections[section].(schema)["patternProperties"].(schema)["^"+kind+"(/.+)?$"] = own
	}
	whole, err := json.MarshalIndent(schema{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "Configuration of otelcol-sessionlog",
		"description": "What our own components take. Blocks of others are not looked into.", "type": "object", "properties": sections,
	}, "", "  ")
	require.NoError(t, err)
	requireWritten(t, "../../config/collector.schema.json", string(whole)+"\n")
}

// requireWritten compares a file that is made of other sources, or writes it.
func requireWritten(t *testing.T, file, text string) {
	t.Helper()
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644)) //nolint:gosec // documentation
		return
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err, "UPDATE_DOCS=1 writes it")
	require.Equal(t, text, string(written), "%s: UPDATE_DOCS=1 writes it", file)
}

func schemaOf(t *testing.T, kind reflect.Type, path []string, rows map[string]string) schema {
	t.Helper()
	own := typeSchema(t, kind, path, rows)
	if words := rows[strings.Join(path, "::")]; words != "" {
		own["description"] = words
	}
	return own
}

func typeSchema(t *testing.T, kind reflect.Type, path []string, rows map[string]string) schema {
	t.Helper()
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	inner := structOf(kind)
	switch {
	case kind == reflect.TypeFor[time.Duration]():
		return schema{"anyOf": durationSchema["anyOf"]}
	case kind == reflect.TypeFor[component.ID](), inner == nil && reflect.PointerTo(kind).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return schema{"type": "string"}
	case inner != nil:
		readmeRows(t, inner.PkgPath(), path, rows)
		properties := schema{}
		addProperties(t, inner, path, rows, properties)
		if len(properties) == 0 { // decodes itself
			return schema{}
		}
		return schema{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
	case strings.HasPrefix(kind.Name(), "Optional["):
		value, _ := reflect.PointerTo(kind).MethodByName("Get")
		return typeSchema(t, value.Type.Out(0), path, rows)
	}
	switch kind.Kind() {
	case reflect.Bool:
		return schema{"anyOf": []any{schema{"type": "boolean"}, fromEnvironment}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return schema{"anyOf": []any{schema{"type": "integer"}, fromEnvironment}}
	case reflect.Float32, reflect.Float64:
		return schema{"anyOf": []any{schema{"type": "number"}, fromEnvironment}}
	case reflect.String:
		return schema{"type": []string{"string", "number", "boolean", "null"}} // the collector makes text of all of them
	case reflect.Slice:
		return schema{"anyOf": []any{schema{"type": []string{"array", "null"}, "items": typeSchema(t, kind.Elem(), path, rows)}, schema{"type": "string"}}}
	case reflect.Map:
		return schema{"type": []string{"object", "null"}, "additionalProperties": typeSchema(t, kind.Elem(), path, rows)}
	}
	return schema{}
}

// addProperties adds the keys of a struct, those of squashed ones too.
func addProperties(t *testing.T, block reflect.Type, path []string, rows map[string]string, into schema) {
	t.Helper()
	for i := range block.NumField() {
		field := block.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		switch {
		case strings.Contains(options, "squash"):
			addProperties(t, structOf(field.Type), path, rows, into)
		case name != "" && name != "-":
			into[name] = schemaOf(t, field.Type, append(append([]string{}, path...), name), rows)
		}
	}
}

// readmeRows adds the descriptions of the tables of a package's README by key, each with its default. What stands in the README of
// the component counts more.
func readmeRows(t *testing.T, pkg string, path []string, rows map[string]string) {
	t.Helper()
	folder, ours := strings.CutPrefix(pkg, ourModule)
	text, err := os.ReadFile(filepath.Join("../..", folder, "README.md"))
	if !ours || errors.Is(err, fs.ErrNotExist) {
		return
	}
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		cells := strings.SplitN(strings.Trim(strings.TrimSpace(line), "|"), "|", 3)
		name := strings.TrimSpace(cells[0])
		key := strings.Join(append(append([]string{}, path...), strings.Trim(name, "`")), "::")
		if len(cells) < 3 || !strings.HasPrefix(name, "`") || rows[key] != "" {
			continue
		}
		words := strings.ReplaceAll(strings.TrimSpace(cells[2]), `\|`, "|")
		if usual := strings.TrimSpace(cells[1]); usual != "" && usual != "none" {
			words = strings.TrimSuffix(words, ".") + ". Default: " + usual + "."
		}
		rows[key] = words
	}
}
