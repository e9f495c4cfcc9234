package sessionlogreceiver

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
)

// ours begins the import path of types whose keys are documented here; those of others, such as tls, have a page of their own.
const ours = "github.com/otel-sessionlog/sessionlog/"

// keysOf are the keys of a configuration with their values, nested ones as outer::inner.
func keysOf(config reflect.Value, prefix string, put func(key string, value reflect.Value)) {
	for i := range config.NumField() {
		field, value := config.Type().Field(i), config.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
		inner, isBlock := blockOf(value)
		switch {
		case tag == "-" || !field.IsExported():
		case strings.Contains(options, "squash"):
			keysOf(value, prefix, put)
		case isBlock:
			keysOf(inner, prefix+tag+"::", put)
		default:
			put(prefix+tag, value)
		}
	}
}

// blockOf is the struct of ours that a field holds, in a configoptional.Optional or as it is.
func blockOf(v reflect.Value) (reflect.Value, bool) {
	if strings.HasSuffix(v.Type().PkgPath(), "/configoptional") {
		v = v.FieldByName("value")
	}
	return v, v.Kind() == reflect.Struct && strings.HasPrefix(v.Type().PkgPath(), ours)
}

// inReadme is a default as the README writes it: in backquotes, or in words when there is none.
func inReadme(v reflect.Value) string {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return "`" + regexp.MustCompile(`([hm])0[ms].*`).ReplaceAllString(time.Duration(v.Int()).String(), "$1") + "`"
	case v.Kind() == reflect.Bool:
		return fmt.Sprintf("`%t`", v.Bool())
	case v.Kind() == reflect.Int:
		return fmt.Sprintf("`%d`", v.Int())
	case v.Kind() == reflect.String && v.Len() > 0:
		return "`" + v.String() + "`"
	}
	return ""
}

// row matches a line of a table of keys, with its default.
var row = regexp.MustCompile("(?m)^\\| `([a-z0-9_:]+)` \\| (.*?) \\| .+ \\|$")

func TestTheReadmeHasEveryKeyWithItsDefaultAndNoOther(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	documented := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(string(readme), -1) {
		documented[m[1]] = m[2]
	}
	n := 0
	keysOf(reflect.ValueOf(createDefaultConfig()).Elem(), "", func(key string, value reflect.Value) {
		n++
		cell, ok := documented[key]
		require.True(t, ok, "%s is not documented", key)
		if want := inReadme(value); want != "" {
			require.Equal(t, want, cell, key)
		} else {
			require.NotContains(t, cell, "`", "%s has no default", key)
		}
		delete(documented, key)
	})
	require.Greater(t, n, 20)
	require.Empty(t, documented, "documented, but not in Config")
}

// The example is what people copy: it must be valid as it stands.
func TestTheReadmesExampleLoads(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.Len(t, examples, 1)
	for name, part := range receiversOf(t, examples[0][1]) {
		_, err := load(part)
		require.NoError(t, err, name)
	}
}

// The metrics are documented by the names that a collector exports.
func TestTheReadmeNamesEveryMetric(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	code, err := os.ReadFile("telemetry.go")
	require.NoError(t, err)
	names := regexp.MustCompile(`"([a-z_]+)", "(?:\{|s", ")`).FindAllStringSubmatch(string(code), -1)
	require.Len(t, names, 16)
	for _, m := range names {
		require.Contains(t, string(readme), "`"+metricPrefix+m[1]+"`")
	}
}

func receiversOf(t *testing.T, text string) map[string]map[string]any {
	t.Helper()
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	out := map[string]map[string]any{}
	for name, part := range conf.Get("receivers").(map[string]any) {
		out[name] = part.(map[string]any)
	}
	return out
}
