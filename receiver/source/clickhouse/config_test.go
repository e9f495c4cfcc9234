package clickhouse

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
)

func TestConfigStruct(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(&cfg))
}

func TestValidate(t *testing.T) {
	f := func(change func(*Config), want string) {
		t.Helper()
		cfg := DefaultConfig()
		cfg.Endpoints = []string{"ch:9000"}
		change(&cfg)
		if err := cfg.Validate(); want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
	f(func(*Config) {}, "")
	f(func(c *Config) { c.Table = "audit.all_logins" }, "")
	f(func(c *Config) { c.Table = "session_log" }, `table: "session_log" is not database.table, such as system.session_log`)
	f(func(c *Config) { c.Table = "clusterAllReplicas('c', system.session_log)" }, "table: ")
	f(func(c *Config) { c.Table = "" }, "table: ")
	f(func(c *Config) { c.Endpoints = nil }, "endpoints: none given")
	f(func(c *Config) { c.Initial = "now" }, "initial: ")
	f(func(c *Config) { c.Endpoints, c.BatchSize, c.Compression = nil, 0, "x" }, "batch_size: ")
}

func TestDefaultInstanceIsTheFirstEndpoint(t *testing.T) {
	cfg := DefaultConfig()
	require.Empty(t, cfg.DefaultInstance())
	cfg.Endpoints = []string{"https://ch-1:8443", "ch-2:9000"}
	require.Equal(t, "ch-1:8443", cfg.DefaultInstance())
}

// Every key has its place in the README's table, and nothing else has.
func TestREADMEListsEveryKey(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "## Keys")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n## ")
	documented := map[string]bool{}
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, key := range strings.Split(cells[1], ",") {
				if key = strings.Trim(key, " `-"); key != "" && key != "key" {
					documented[key] = true
				}
			}
		}
	}
	keys := map[string]bool{}
	collectKeys(reflect.TypeFor[Config](), keys)
	require.Equal(t, keys, documented)
}

func collectKeys(t reflect.Type, into map[string]bool) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("mapstructure"), ",")
		if options == "squash" {
			collectKeys(t.Field(i).Type, into)
			continue
		}
		into[name] = true
	}
}
