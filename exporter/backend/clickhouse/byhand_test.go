package clickhouse

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

var update = flag.Bool("update", false, "write the files of migrations/cluster and views/cluster anew")

// TestClusterFiles: the files for a schema by hand are what a start with create_schema runs.
func TestClusterFiles(t *testing.T) {
	cfg := Config{Cluster: "{cluster}"}
	want := map[string]string{}
	for _, m := range allMigrations {
		want["migrations/cluster/"+m.Name+".sql"] = strings.Join(cfg.migrationStatements(m.SQL), ";\n\n")
	}
	for _, v := range allViews {
		want["views/cluster/"+v.Name+".sql"] = cfg.viewStatement(v)
	}
	for name, text := range want {
		text = "-- " + filepath.Base(name) + " as it is on a cluster. The nodes need the macros {cluster}, {shard} and {replica}.\n" + text + ";\n"
		if *update {
			require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		}
		there, err := os.ReadFile(name)
		require.NoError(t, err, "run the test with -update")
		require.Equal(t, text, string(there), "%s: run the test with -update", name)
	}
	there, err := filepath.Glob("*/cluster/*.sql")
	require.NoError(t, err)
	require.Len(t, there, len(want))
}

// clusterByHand: these files make a schema that is taken, and that counts each record once on every node.
func clusterByHand(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.Database, cfg.CreateSchema = "by_hand", false
	node := c.Nodes()[0]
	node.Exec(t, "CREATE DATABASE by_hand ON CLUSTER '"+c.Name+"'")
	made, err := filepath.Glob("*/cluster/*.sql") // migrations stand before views
	require.NoError(t, err)
	for _, name := range made {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for statement := range strings.SplitSeq(string(text), ";\n") {
			if strings.TrimSpace(statement) != "" {
				ask(t, node, cfg.Database, statement, "TSV")
			}
		}
	}
	s := startStore(t, cfg)
	require.Equal(t, backend.Result{Written: 200}, write1(t, s, typical(0, 200)))
	require.Equal(t, backend.Result{Written: 100, Duplicates: 200}, write1(t, s, typical(0, 300)))
	requireCount(t, c, cfg, 300)
}
