package sqlite

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

func TestConfig(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	require.NoError(t, componenttest.CheckConfigStruct(DefaultConfig()))
	require.Equal(t, SynchronousFull, DefaultConfig().Synchronous, "durable unless somebody asks for less")
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Path = "" }, "path: must name a file"},
		{func(c *Config) { c.Path = ":memory:" }, "path: "},
		{func(c *Config) { c.Path = "file:x.db?mode=memory" }, "path: "},
		{func(c *Config) { c.Path = "a\x00b" }, "path: must not hold a NUL"},
		{func(c *Config) { c.TTL = 365 }, "ttl: 365ns is too short: write at least 1m"},
		{func(c *Config) { c.TTL = -1 }, "ttl: must not be negative"},
		{func(c *Config) { c.BusyTimeout = -1 }, "busy_timeout: "},
		{func(c *Config) { c.Sessions.AssumedClosedAfter = -1 }, "sessions::assumed_closed_after: "},
		{func(c *Config) { c.TablePrefix = "drop table;" }, "table_prefix: "},
		{func(c *Config) { c.TablePrefix = "1st_" }, "table_prefix: "},
		{func(c *Config) { c.TablePrefix = "SQLite_" }, "table_prefix: "},
		{func(c *Config) { c.Synchronous = "off" }, "synchronous: must be full or normal"},
	} {
		cfg := DefaultConfig()
		c.change(&cfg)
		require.ErrorContains(t, cfg.Validate(), c.want)
	}
}

func TestConfigFromYAML(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"path": "/var/lib/otelcol-sessionlog/log.db", "ttl": "2160h", "create_schema": false, "table_prefix": "eu_", "synchronous": "normal", "busy_timeout": "1s",
		"stl_connection_log": map[string]any{"include_postgresql": true}, "sessions": map[string]any{"assumed_closed_after": "0s"},
	}).Unmarshal(&cfg))
	require.Equal(t, Config{
		Path: "/var/lib/otelcol-sessionlog/log.db", TTL: 90 * 24 * time.Hour, TablePrefix: "eu_", Synchronous: SynchronousNormal, BusyTimeout: time.Second,
		STLConnectionLog: backend.STLConnectionLogConfig{IncludePostgreSQL: true},
	}, cfg)
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"pth": "x"}).Unmarshal(&cfg), "pth")
}

// TestREADME: every key has its row, with its default.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			key := prefix + v.Type().Field(i).Tag.Get("mapstructure")
			if v.Field(i).Kind() == reflect.Struct {
				walk(key+"::", v.Field(i))
				continue
			}
			require.Contains(t, string(readme), "| `"+key+"` | "+inReadme(v.Field(i)), "README.md, the row of %s with its default", key)
		}
	}
	walk("", reflect.ValueOf(DefaultConfig()))
}

func inReadme(v reflect.Value) string {
	d, ok := v.Interface().(time.Duration)
	switch {
	case ok && d == 0:
		return "`0`"
	case ok:
		return "`" + strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m") + "`"
	case v.Kind() == reflect.Bool && v.Bool():
		return "`true`"
	case v.Kind() == reflect.Bool:
		return "`false`"
	case v.String() == "":
		return "`\"\"`"
	}
	return "`" + v.String() + "`"
}
