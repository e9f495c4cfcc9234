package sessiontraceconnector

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func TestConfig(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
	for _, c := range []struct{ yaml, want string }{
		{"{}", ""},
		{"{max_sessions: 10, max_bytes: 1048576, ttl: 1h, idle: 1m, lateness: 1m, window: 0s, clock_tolerance: 0s}", ""},
		{"metrics: {interval: 1s, max_series: 1}", ""},
		{"max_sessions: 0", "max_sessions: 0: at least one"},
		{"max_bytes: 1000", "max_bytes: 1000 is too little; give 1048576"},
		{"ttl: 0s", "ttl: 0s: give a positive"},
		{"idle: -1s", "idle: -1s: give a positive"},
		{"lateness: 0s", "lateness: 0s: give more than 0"},
		{"lateness: 48h", "lateness: 48h0m0s: give more than 0 and at most 24h0m0s"},
		{"window: 2m30s", ""},
		{"window: 3m", "window: 3m0s: give at most half of the lateness (5m0s)"},
		{"clock_tolerance: -1ms", "clock_tolerance: -1ms"},
		{"metrics: {interval: 0s}", "metrics: interval: 0s"},
		{"metrics: {max_series: 0}", "metrics: max_series: 0"},
		{"max_session: 1", "max_session"},
	} {
		r, err := confmap.NewRetrievedFromYAML([]byte(c.yaml))
		require.NoError(t, err)
		conf, err := r.AsConf()
		require.NoError(t, err)
		cfg := NewFactory().CreateDefaultConfig()
		if err = conf.Unmarshal(cfg); err == nil {
			err = confmap.Validate(cfg)
		}
		if c.want == "" {
			require.NoError(t, err, c.yaml)
			continue
		}
		require.ErrorContains(t, err, c.want, c.yaml)
	}
}

// TestReadmeNamesEveryKeyAndMetric holds the page against the code.
func TestReadmeNamesEveryKeyAndMetric(t *testing.T) {
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, key := range keysOf(reflect.TypeFor[Config](), "") {
		require.Contains(t, string(page), "| `"+key+"` |")
	}
	code, err := os.ReadFile("telemetry.go")
	require.NoError(t, err)
	own := regexp.MustCompile(`(?:counter|gauge)\("(\w+)"`).FindAllSubmatch(code, -1)
	require.Len(t, own, 9)
	for _, m := range own {
		require.Contains(t, string(page), "| `"+metricPrefix+string(m[1])+"` |")
	}
}

func keysOf(t reflect.Type, prefix string) (keys []string) {
	for f := range t.Fields() {
		key := prefix + strings.Split(f.Tag.Get("mapstructure"), ",")[0]
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type, key+"::")...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}
