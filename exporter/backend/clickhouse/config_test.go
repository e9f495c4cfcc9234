package clickhouse

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
)

func validConfig() Config {
	cfg := DefaultConfig()
	cfg.Endpoints = []string{"localhost:9000"}
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
		{func(c *Config) { c.Compression = "gzip" }, "compression: "},
		{func(c *Config) { c.TTL = 365 }, "ttl: 365ns is too short: write at least 1m"},
		{func(c *Config) { c.TTL = -1 }, "ttl: must not be negative"},
		{func(c *Config) { c.Sessions.AssumedClosedAfter = -1 }, "sessions::assumed_closed_after: "},
		{func(c *Config) { c.TablePrefix = "drop table;" }, "table_prefix: "},
		{func(c *Config) { c.Database = "a.b" }, "database: "},
		{func(c *Config) { c.Database = "system" }, "database: that is the server's own"},
		{func(c *Config) { c.Cluster = "it's" }, "cluster: "},
		{func(c *Config) { c.Quorum = "most" }, "quorum: must be auto or a number"},
		{func(c *Config) { c.Quorum = "0" }, "quorum: "},
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
		"endpoints": []any{"https://ch:8443"}, "password": "secret", "database": "audit", "tls": map[string]any{}, "cluster": "main", "quorum": "1",
		"table_prefix": "eu_", "ttl": "2160h", "create_schema": false, "max_connections": 2, "async_insert": true, "fsync": false,
		"stl_connection_log": map[string]any{"include_postgresql": true}, "sessions": map[string]any{"assumed_closed_after": "0s"},
	}).Unmarshal(&cfg))
	require.NoError(t, cfg.Validate())
	require.True(t, cfg.TLS.HasValue())
	require.Equal(t, []any{"main", "1", "eu_", 90 * 24 * time.Hour, false, 2, true, false, true, time.Duration(0)}, []any{
		cfg.Cluster, cfg.Quorum, cfg.TablePrefix, cfg.TTL, cfg.CreateSchema, cfg.MaxConnections, cfg.AsyncInsert, cfg.Fsync,
		cfg.STLConnectionLog.IncludePostgreSQL, cfg.Sessions.AssumedClosedAfter,
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
			key, squashed := strings.CutSuffix(tag, ",squash")
			switch {
			case tag == "": // no key
			case squashed:
				walk(prefix, f)
			case f.Kind() == reflect.Struct && tag != "tls":
				walk(prefix+key+"::", f)
			case f.Type() == reflect.TypeFor[time.Duration]():
				plain := regexp.MustCompile(`([hm])0[ms].*$`).ReplaceAllString(f.Interface().(time.Duration).String(), "$1")
				require.Contains(t, string(readme), "| `"+prefix+key+"` | `"+strings.TrimSuffix(plain, "s")) // 0s is 0
			case tag == "endpoints" || tag == "tls":
				require.Contains(t, string(readme), "| `"+key+"` | ")
			case f.Kind() == reflect.String && f.String() == "":
				require.Contains(t, string(readme), "| `"+prefix+key+"` | `\"\"` |")
			default:
				require.Contains(t, string(readme), fmt.Sprintf("| `%s` | `%v` |", prefix+key, f.Interface()))
			}
		}
	}
	walk("", reflect.ValueOf(DefaultConfig()))
}

// TestMigrationsHaveOurColumns: the files make the columns that are written, whatever their order: an added one stands last.
func TestMigrationsHaveOurColumns(t *testing.T) {
	all := columnNames()
	made := func(table string) (names []string) {
		for _, f := range allMigrations {
			if _, text, found := strings.Cut(f.SQL, "CREATE TABLE IF NOT EXISTS "+table+"\n(\n"); found {
				text, _, _ = strings.Cut(text, "\n)\n")
				for _, m := range regexp.MustCompile(`(?m)^    ([a-z_]+) +[A-Z]`).FindAllStringSubmatch(text, -1) {
					names = append(names, m[1])
				}
			}
			for _, m := range regexp.MustCompile(`(?m)^ALTER TABLE `+table+` ADD COLUMN IF NOT EXISTS ([a-z_]+) `).FindAllStringSubmatch(f.SQL, -1) {
				names = append(names, m[1])
			}
		}
		return names
	}
	require.ElementsMatch(t, append(all, "precedence", "arrived"), made("session_events"))
	require.Len(t, derivedTables, 3)
	for _, table := range derivedTables {
		require.Equal(t, table.columns, made(table.name), "in their order")
	}
}

// TestInsertsWaitWhateverTheProfileSays: the statement itself says that an insert is stored when it returns, so that neither a user nor
// a profile of the server can say otherwise.
func TestInsertsWaitWhateverTheProfileSays(t *testing.T) {
	cfg := DefaultConfig()
	st := cfg.newStatements()
	for _, sql := range append(st.derived, st.insert, st.conflict) {
		require.Contains(t, sql, " SETTINGS async_insert = 0,")
	}
	cfg.AsyncInsert = true
	st = cfg.newStatements()
	for _, sql := range append(st.derived, st.insert, st.conflict) {
		require.Contains(t, sql, " SETTINGS async_insert = 1, wait_for_async_insert = 1,")
	}
}
