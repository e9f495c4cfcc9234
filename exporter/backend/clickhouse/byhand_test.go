package clickhouse

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/testengine"
)

var update = flag.Bool("update", false, "write the files of migrations/cluster anew")

// TestClusterFiles: the files for a schema by hand are what a start with create_schema runs.
func TestClusterFiles(t *testing.T) {
	cfg := Config{Cluster: "{cluster}"}
	want := map[string]string{}
	for _, m := range allMigrations {
		want["migrations/cluster/"+m.Name+".sql"] = strings.Join(cfg.migrationStatements(m.SQL), ";\n\n")
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
	for _, v := range allViews {
		require.Equal(t, commentLine.ReplaceAllString(cfg.viewStatement(v)+";\n", ""), commentLine.ReplaceAllString(viewOnCluster(t, "views/"+v.Name+".sql"), ""))
	}
}

// viewOnCluster runs README.md's command for a view on a cluster.
func viewOnCluster(t *testing.T, file string) string {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	script := regexp.MustCompile("`sed \"(.+?)\" views/\\*\\.sql`").FindSubmatch(readme)
	require.NotNil(t, script)
	made, err := exec.Command("sed", string(script[1]), file).Output()
	require.NoError(t, err)
	return string(made)
}

// clusterByHand: these files make a schema that is taken, and that counts each record once on every node.
func clusterByHand(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.Database, cfg.CreateSchema = "by_hand", false
	node := c.Nodes()[0]
	node.Exec(t, "CREATE DATABASE by_hand ON CLUSTER '"+c.Name+"'")
	made, err := filepath.Glob("migrations/cluster/*.sql")
	require.NoError(t, err)
	var texts []string
	for _, name := range made {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		texts = append(texts, string(text))
	}
	for _, v := range allViews {
		texts = append(texts, viewOnCluster(t, "views/"+v.Name+".sql"))
	}
	for _, text := range texts {
		for statement := range strings.SplitSeq(commentLine.ReplaceAllString(text, ""), ";\n") {
			if strings.TrimSpace(statement) != "" {
				ask(t, node, cfg.Database, statement, "TSV")
			}
		}
	}
	s := startStore(t, cfg)
	require.Equal(t, backend.Result{Written: 200}, write1(t, s, typical(0, 200)))
	require.Equal(t, backend.Result{Written: 100, Duplicates: 200}, write1(t, s, typical(0, 300)))
	requireCount(t, c, cfg, 300)

	cfg.Database = "replicating"
	node.Exec(t, "CREATE DATABASE replicating ENGINE = Replicated('/clickhouse/replicating', '{shard}', '{replica}')")
	refused := newStore(t, cfg)
	require.ErrorIs(t, refused.Start(t.Context()), ErrEngine)
	stopStore(t, refused)
}
