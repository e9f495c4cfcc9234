package clickhouse

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/cluster"
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
	f(func(c *Config) { c.Cluster, c.ClusterPort = "main", 9440 }, "")
	f(func(c *Config) { c.ClusterPort = 9440 }, "cluster_port: means nothing without cluster")
	f(func(c *Config) { c.Cluster, c.Endpoints = "main", []string{"ch-1:9000", "clickhouse://ch-2:9000"} }, "")
	f(func(c *Config) { c.Cluster, c.Endpoints = "main", []string{"ch-1:9000", "http://ch-2:8123"} }, "endpoints[1]: with cluster, all are of one scheme")
	f(func(c *Config) { c.TraceCorrelation.Enabled = true }, "")
	f(func(c *Config) { c.TraceCorrelation = TraceConfig{Enabled: true, Settle: -1} }, "trace_correlation::settle: must not be negative")
	f(func(c *Config) { c.Endpoints, c.BatchSize, c.Compression = nil, 0, "x" }, "batch_size: ")
}

func TestDefaultInstanceIsTheFirstEndpoint(t *testing.T) {
	cfg := DefaultConfig()
	require.Empty(t, cfg.DefaultInstance())
	cfg.Endpoints = []string{"https://ch-1:8443", "ch-2:9000"}
	require.Equal(t, "ch-1:8443", cfg.DefaultInstance())
}

func TestNodesAreReachedByTheProtocolOfTheEndpoints(t *testing.T) {
	f := func(endpoint string, port uint16, m cluster.Member, want string) {
		t.Helper()
		cfg := DefaultConfig()
		cfg.Endpoints, cfg.ClusterPort = []string{endpoint}, port
		require.Equal(t, want, cfg.nodeEndpoint(m))
	}
	f("ch:9000", 0, cluster.Member{Host: "ch-1", Port: 9001}, "clickhouse://ch-1:9001")
	f("clickhouse://ch:9000", 9440, cluster.Member{Host: "ch-1", Port: 9001}, "clickhouse://ch-1:9440")
	f("https://ch:8443/", 0, cluster.Member{Host: "ch-1", Port: 9001}, "https://ch-1:8443")
	f("http://ch:8123", 8124, cluster.Member{Host: "::1", Port: 9001}, "http://[::1]:8124")
}

func TestNodesShareOutTheMemoryOfBatches(t *testing.T) {
	f := func(batch, nodes, want int) {
		t.Helper()
		cfg := DefaultConfig()
		cfg.BatchSize = batch
		require.Equal(t, want, cfg.configForNode("ch-1:9000", nodes).BatchSize)
	}
	f(8192, 1, 8192)
	f(8192, 4, 8192)
	f(8192, 8, 4096)
	f(8192, 1000, 1024)
	f(100, 1000, 100)
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
