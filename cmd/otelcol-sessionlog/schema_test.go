package main

import (
	"encoding"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

// schema is a JSON schema of a configuration, as editors read it.
type schema map[string]any

// A value may come from the environment or a file whatever its type.
const reference = `\$\{.+\}`

var (
	fromEnvironment = schema{"type": "string", "pattern": reference}
	durationSchema  = schema{"anyOf": []any{schema{"type": "string", "pattern": `^[-+]?(0|([0-9.]+(ns|us|µs|μs|ms|s|m|h))+)$`}, schema{"const": 0}, fromEnvironment}}
)

// blockSchema is one of a block, of whose text alone the pattern speaks.
func blockSchema(keys schema) schema {
	block := schema{"type": []string{"object", "null", "string"}, "pattern": reference}
	maps.Copy(block, keys)
	return block
}

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
			sections[section] = blockSchema(schema{"patternProperties": schema{}})
		}
		sections[section].(schema)["patternProperties"].(schema)["^"+kind+"(/.+)?$"] = own
	}
	sections["service"] = schema{"type": []string{"object", "null"}} // a section of any other name is a mistyped one, which the collector refuses
	whole, err := json.MarshalIndent(schema{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "Configuration of otelcol-sessionlog",
		"description": "What our own components take. Blocks of others are not looked into.", "type": "object", "properties": sections, "additionalProperties": false,
	}, "", "  ")
	require.NoError(t, err)
	requireWritten(t, "../../config/collector.schema.json", string(whole)+"\n")
}

// TestTheSchemaTakesWhatTheCollectorTakes: an editor marks nothing that is right, and what is wrong it does.
func TestTheSchemaTakesWhatTheCollectorTakes(t *testing.T) {
	var whole map[string]any
	text, err := os.ReadFile("../../config/collector.schema.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &whole))
	takes := func(config string) bool {
		var value any
		require.NoError(t, yaml.Unmarshal([]byte(config), &value), config)
		return matchesSchema(whole, value)
	}
	indented := func(section, file string) string {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return section + ":\n  " + strings.ReplaceAll(string(text), "\n", "\n  ")
	}
	right := []string{indented("exporters", "../../exporter/sessionlogexporter/testdata/valid.yaml")}
	files, err := filepath.Glob("../../examples/*/collector.yaml")
	require.NoError(t, err)
	recipes, err := filepath.Glob(recipesFolder + "/*/*.yaml")
	require.NoError(t, err)
	for _, file := range append(slices.Concat(files, recipes), "../../examples/forward/two-targets.yaml", "../../examples/fleet/agent.yaml", "../../examples/fleet/gateway.yaml", "../../examples/two-collectors/collector.yaml", "../../examples/evidence/heads.yaml", "../../config/collector.yaml", "../../config/debian.yaml", "../../config/container.yaml", "../../config/container-explorer.yaml") {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		right = append(right, string(text))
	}
	right = append(right,
		`exporters: {sessionlog: {sending_queue: {batch: {enabled: false}}, timeout: "0", postgresql: }}`,
		`exporters: {sessionlog: {redact: "${file:redact.yaml}", sending_queue: {queue_size: "${env:SIZE}"}}, sessionlog_console: }`,
		`receivers: {sessionlog/one: "${file:one.yaml}", sessionlog: {http: {endpoint: "x:1", response_headers: {X-Frame-Options: DENY}, tls: {enabled: false}}}}`,
		`receivers: "${file:receivers.yaml}"`,
	)
	for _, config := range right {
		require.True(t, takes(config), "%s", config)
	}
	for _, config := range []string{
		`exporters: {sessionlog: {sqlite: {paht: x}}}`, `exporters: {sessionlog: {dead_letter: {enabled: true}}}`, `exporters: {sessionlog: {timeout: 5}}`,
		`exporters: {sessionlog: {redact: redact.yaml}}`, `receivers: {sessionlog: {http: {response_headers: [{key: x}]}}}`, `exporters: {sessionlog: {timeout: 1d}}`,
	} {
		require.False(t, takes(config), "%s", config)
	}
}

// matchesSchema knows as much of JSON schemas as ours say.
func matchesSchema(rules map[string]any, value any) bool {
	kind := "null"
	switch value.(type) {
	case string:
		kind = "string"
	case bool:
		kind = "boolean"
	case int:
		kind = "integer"
	case float64:
		kind = "number"
	case []any:
		kind = "array"
	case map[string]any:
		kind = "object"
	}
	switch allowed := rules["type"].(type) {
	case string:
		if kind != allowed && (kind != "integer" || allowed != "number") {
			return false
		}
	case []any:
		if !slices.Contains(allowed, any(kind)) && (kind != "integer" || !slices.Contains(allowed, any("number"))) {
			return false
		}
	}
	if forms, ok := rules["anyOf"].([]any); ok && !slices.ContainsFunc(forms, func(form any) bool { return matchesSchema(form.(map[string]any), value) }) {
		return false
	}
	if only, ok := rules["const"]; ok && value != int(only.(float64)) {
		return false
	}
	switch value := value.(type) {
	case string:
		pattern, ok := rules["pattern"].(string)
		return !ok || regexp.MustCompile(pattern).MatchString(value)
	case []any:
		items, ok := rules["items"].(map[string]any)
		return !ok || !slices.ContainsFunc(value, func(item any) bool { return !matchesSchema(items, item) })
	case map[string]any:
		for key, inner := range value {
			if below, ok := schemaBelow(rules, key); !ok || !matchesSchema(below, inner) {
				return false
			}
		}
	}
	return true
}

func schemaBelow(rules map[string]any, key string) (below map[string]any, ok bool) {
	properties, _ := rules["properties"].(map[string]any)
	if below, ok = properties[key].(map[string]any); ok {
		return below, true
	}
	patterns, _ := rules["patternProperties"].(map[string]any)
	for pattern, rules := range patterns {
		if regexp.MustCompile(pattern).MatchString(key) {
			return rules.(map[string]any), true
		}
	}
	below, _ = rules["additionalProperties"].(map[string]any)
	return below, rules["additionalProperties"] != false
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
		if strings.HasPrefix(kind.Name(), "Optional[") {
			properties["enabled"] = typeSchema(t, reflect.TypeFor[bool](), path, rows)
		}
		return blockSchema(schema{"properties": properties, "additionalProperties": false})
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
		forms := []any{schema{"type": []string{"array", "null"}, "items": typeSchema(t, kind.Elem(), path, rows)}, schema{"type": "string"}}
		if reflect.PointerTo(kind).Implements(reflect.TypeFor[confmap.Unmarshaler]()) { // a list of names and values, or a map
			forms = append(forms, schema{"type": "object"})
		}
		return schema{"anyOf": forms}
	case reflect.Map:
		return blockSchema(schema{"additionalProperties": typeSchema(t, kind.Elem(), path, rows)})
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
