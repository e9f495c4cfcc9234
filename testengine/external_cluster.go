package testengine

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// EnvCluster points the cluster tests at a cluster of the user's own. Its value is the cluster's name, then each node as EnvClickHouse
// has it, shards parted by a bar:
//
//	main;native=a:9000,http=a:8123,password=x;native=b:9000,http=b:8123,password=x|native=c:9000,…
//
// Every node needs the macros {cluster}, {shard} and {replica}, and what EnvClickHouse asks of a server. A test that wants another number
// of shards or replicas is skipped.
const EnvCluster = "SESSIONLOG_TEST_CLICKHOUSE_CLUSTER"

func externalClusterFromEnv(tb testing.TB) (*Cluster, bool) {
	tb.Helper()
	text := os.Getenv(EnvCluster)
	if text == "" {
		return nil, false
	}
	c, err := parseExternalCluster(text)
	if err != nil {
		tb.Fatal(err)
	}
	return c, true
}

func parseExternalCluster(text string) (*Cluster, error) {
	name, rest, _ := strings.Cut(text, ";")
	if name == "" || strings.ContainsAny(name, "=,|") || rest == "" {
		return nil, fmt.Errorf("%s: write the cluster's name, then nodes: main;native=host:port,http=host:port,…;native=…", EnvCluster)
	}
	c := &Cluster{Name: name}
	for i, shard := range strings.Split(rest, "|") {
		var nodes []*Server
		for j, entry := range strings.Split(shard, ";") {
			s, err := parseExternal(entry)
			if err != nil {
				return nil, fmt.Errorf("%s: shard %d, node %d: %w", EnvCluster, i+1, j+1, err)
			}
			nodes = append(nodes, s)
		}
		c.Shards = append(c.Shards, nodes)
	}
	return c, nil
}

// applySettings makes of the foreign cluster what the test expects, or skips the test. A cluster is taken as it is: its tables are spread over
// all of its nodes, so leaving some out is no way to make it smaller.
func (c *Cluster) applySettings(tb testing.TB, set settings, shards, replicas int) {
	tb.Helper()
	fits := len(c.Shards) == shards
	for _, nodes := range c.Shards {
		fits = fits && len(nodes) == replicas
	}
	if !fits {
		skipExternalCluster(tb, fmt.Sprintf("it needs %d shards of %d replicas", shards, replicas))
	}
	if len(set.own) > 0 {
		skipExternalCluster(tb, "it needs nodes started with "+strings.Join(set.own, ", "))
	}
	for _, s := range c.Nodes() {
		s.accounts(tb)
	}
}

// accounts makes the accounts of package server unless they are there.
func (s *Server) accounts(tb testing.TB) {
	tb.Helper()
	existing := map[string]bool{}
	for _, row := range s.Query(tb, "SELECT name FROM system.users") {
		existing[row[0]] = true
	}
	if existing[server.Guest.Name] { // the last one that accountsSQL makes
		return
	}
	for _, statement := range accountsSQL() {
		s.Exec(tb, statement)
	}
}

func skipExternalCluster(tb testing.TB, reason string) {
	tb.Helper()
	recordSkip(tb, reason, "unset "+EnvCluster)
	tb.Skipf("not against %s: %s", EnvCluster, reason)
}
