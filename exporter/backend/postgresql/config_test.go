package postgresql

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func validConfig() Config {
	cfg := DefaultConfig()
	cfg.Endpoints, cfg.Username = []string{"localhost:5432"}, "sessionlog"
	return cfg
}

func TestConfig(t *testing.T) {
	require.NoError(t, validConfig().Validate())
	require.NoError(t, componenttest.CheckConfigStruct(DefaultConfig()))
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Endpoints = nil }, "endpoints: none given"},
		{func(c *Config) { c.Username = "" }, "username: empty"},
		{func(c *Config) { c.TTL = 365 }, "ttl: 365ns is too short: write at least 1m"},
		{func(c *Config) { c.TTL = -1 }, "ttl: must not be negative"},
		{func(c *Config) { c.Sessions.AssumedClosedAfter = -1 }, "sessions::assumed_closed_after: "},
		{func(c *Config) { c.TablePrefix = "drop table;" }, "table_prefix: "},
		{func(c *Config) { c.TablePrefix = "Audit_" }, "table_prefix: "},
		{func(c *Config) { c.TablePrefix = "pg_audit_" }, "table_prefix: "},
		{func(c *Config) { c.Schema = "a.b" }, "schema: "},
		{func(c *Config) { c.MaxConnections = 0 }, "max_connections: "},
	} {
		cfg := validConfig()
		c.change(&cfg)
		require.ErrorContains(t, cfg.Validate(), c.want)
	}
}

func TestConfigFromYAML(t *testing.T) {
	cfg := DefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(map[string]any{
		"endpoints": []any{"postgresql://cluster:5432"}, "username": "writer", "password": "secret", "database": "dev", "tls": map[string]any{},
		"dial_timeout": "3s", "schema": "audit", "table_prefix": "eu_", "ttl": "2160h", "create_schema": false, "max_connections": 2,
		"stl_connection_log": map[string]any{"include_postgresql": true}, "sessions": map[string]any{"assumed_closed_after": "0s"},
	}).Unmarshal(&cfg))
	require.NoError(t, cfg.Validate())
	require.True(t, cfg.TLS.HasValue())
	require.Equal(t, []any{"audit", "eu_", 90 * 24 * time.Hour, false, 2, true, time.Duration(0), 3 * time.Second},
		[]any{
			cfg.Schema, cfg.TablePrefix, cfg.TTL, cfg.CreateSchema, cfg.MaxConnections, cfg.STLConnectionLog.IncludePostgreSQL,
			cfg.Sessions.AssumedClosedAfter, cfg.DialTimeout,
		})
	require.NotContains(t, fmt.Sprintf("%v %+v", cfg, cfg), "secret")
	require.ErrorContains(t, confmap.NewFromStringMap(map[string]any{"endpoint": "x"}).Unmarshal(&cfg), "endpoint")
}

// TestREADME: every key has its row, with its default.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var walk func(prefix string, v reflect.Value)
	walk = func(prefix string, v reflect.Value) {
		for i := range v.NumField() {
			f, tag := v.Field(i), v.Type().Field(i).Tag.Get("mapstructure")
			key := prefix + strings.TrimSuffix(tag, ",squash")
			switch {
			case strings.HasSuffix(tag, ",squash"):
				walk(prefix, f)
			case f.Kind() == reflect.Struct && tag != "tls" && tag != "iam":
				walk(key+"::", f)
			case f.Type() == reflect.TypeFor[time.Duration]():
				require.Contains(t, string(readme), "| `"+key+"` | `"+shortDuration(f.Interface().(time.Duration))+"` |")
			case tag == "endpoints" || tag == "username" || tag == "tls" || tag == "iam":
				require.Contains(t, string(readme), "| `"+key+"` | ")
			case f.Kind() == reflect.String && f.String() == "":
				require.Contains(t, string(readme), "| `"+key+"` | `\"\"` |")
			default:
				require.Contains(t, string(readme), fmt.Sprintf("| `%s` | `%v` |", key, f.Interface()))
			}
		}
	}
	walk("", reflect.ValueOf(DefaultConfig()))
}

func shortDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		return strings.TrimSuffix(s, "0m")
	}
	if !strings.HasSuffix(s, "m") {
		return d.String()
	}
	return s
}
