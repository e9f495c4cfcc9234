package testengine

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// replicated makes a table on all nodes, with a Distributed one over it.
func replicated(tb testing.TB, c *Cluster, name string) {
	tb.Helper()
	first := c.Shards[0][0]
	first.Exec(tb, fmt.Sprintf("CREATE TABLE %s ON CLUSTER %s (x UInt32) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/%s', '{replica}') ORDER BY x", name, c.Name, name))
	first.Exec(tb, fmt.Sprintf("CREATE TABLE %s_all ON CLUSTER %s AS %s ENGINE = Distributed(%s, default, %s, x)", name, c.Name, name, c.Name, name))
}

func is(want string) func([][]string) bool {
	return func(rows [][]string) bool { return len(rows) == 1 && rows[0][0] == want }
}

func TestAClusterReplicatesAndDistributes(t *testing.T) {
	c := ClickHouseCluster(t, 2, 2, LogsOnDemand())
	replicated(t, c, "r")
	for _, s := range c.Nodes() {
		require.Equal(t, "1", s.Query(t, "SELECT count() FROM system.tables WHERE name = 'r'")[0][0], "ON CLUSTER reaches every node")
	}
	c.Shards[0][0].Exec(t, "INSERT INTO r_all SETTINGS distributed_foreground_insert = 1 SELECT number FROM numbers(1000)")
	for _, s := range c.Nodes() {
		s.WaitQuery(t, "SELECT count() FROM r", is("500"))
	}
	for _, s := range c.Nodes() { // whichever replica of the other shard each of them asks
		require.Equal(t, "1000", s.Query(t, "SELECT count() FROM r_all")[0][0])
	}
	nodes := "SELECT uniqExact(serverUUID()), count() FROM clusterAllReplicas(" + c.Name + ", system.one)"
	require.Equal(t, [][]string{{"4", "4"}}, c.Shards[1][1].Query(t, nodes), "each node has a UUID of its own")
}

func TestANodeThatWasKilledCatchesUp(t *testing.T) {
	c := ClickHouseCluster(t, 1, 2, LogsOnDemand())
	replicated(t, c, "k")
	stays, killed := c.Shards[0][0], c.Shards[0][1]
	uuid := killed.Query(t, "SELECT serverUUID()")
	killed.Kill(t)
	stays.Exec(t, "INSERT INTO k SELECT number FROM numbers(100)")

	_, err := stays.TryQuery(t.Context(), "INSERT INTO k SETTINGS insert_quorum = 2, insert_quorum_timeout = 1000 SELECT 100")
	require.Error(t, err, "there is one of two that a quorum needs")

	killed.Restart(t)
	killed.WaitQuery(t, "SELECT count() FROM k WHERE x < 100", is("100"))
	require.Equal(t, uuid, killed.Query(t, "SELECT serverUUID()"))
	stays.WaitQuery(t, "SELECT is_readonly = 0 AND active_replicas = 2 FROM system.replicas WHERE table = 'k'", is("1"))
	stays.Exec(t, "INSERT INTO k SETTINGS insert_quorum = 2 SELECT 101")
	require.Equal(t, "1", killed.Query(t, "SELECT count() FROM k WHERE x = 101")[0][0], "a quorum has it when the insert returns")
}

func TestWithoutZooKeeperTablesAreReadOnly(t *testing.T) {
	var c *Cluster
	t.Cleanup(func() { // behind the cluster's own
		require.True(t, c == nil || c.zooKeeper == nil || refuses(c.zooKeeper.Addr), "ZooKeeper is there when its cluster is closed")
	})
	c = ClickHouseCluster(t, 1, 1, LogsOnDemand())
	replicated(t, c, "z")
	s := c.Shards[0][0]
	s.Exec(t, "INSERT INTO z SELECT 1")
	for name, outage := range map[string][2]func(testing.TB){
		"stopped": {c.StopZooKeeper, c.StartZooKeeper},
		"frozen":  {c.FreezeZooKeeper, c.ThawZooKeeper},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Query(t, "SELECT count() FROM z")
			outage[0](t)
			if name == "stopped" {
				require.True(t, refuses(c.zooKeeper.Addr))
				c.StopZooKeeper(t) // does nothing more
			}
			_, err := s.TryQuery(t.Context(), "INSERT INTO z SETTINGS insert_keeper_max_retries = 0 SELECT 2")
			require.Error(t, err)
			s.WaitQuery(t, "SELECT is_readonly FROM system.replicas WHERE table = 'z'", is("1"))
			_, err = s.TryQuery(t.Context(), "INSERT INTO z SETTINGS insert_keeper_max_retries = 0 SELECT 2")
			require.ErrorContains(t, err, "TABLE_IS_READ_ONLY")
			require.Equal(t, before, s.Query(t, "SELECT count() FROM z"), "reading goes on")
			outage[1](t)
			require.False(t, refuses(c.zooKeeper.Addr))
			s.WaitQuery(t, "SELECT is_readonly FROM system.replicas WHERE table = 'z'", is("0"))
			s.Exec(t, fmt.Sprintf("INSERT INTO z SELECT sipHash64('%s')", name))
		})
	}
}

func TestAUsersOwnCluster(t *testing.T) {
	c := ClickHouseCluster(t, 1, 1, LogsOnDemand())
	s := c.Shards[0][0]
	env := fmt.Sprintf("%s=%s;native=%s,http=%s,username=%s,password=%s", EnvCluster, c.Name, s.Native, s.HTTP, server.Admin.Name, url.PathEscape(server.Admin.Password))
	for test, reason := range map[string]string{
		"TestAClusterReplicatesAndDistributes":  "it needs 2 shards of 2 replicas",
		"TestWithoutZooKeeperTablesAreReadOnly": "ZooKeeper would be ",
	} {
		output, skips, err := runSelf(t, test, env)
		require.NoError(t, err, output)
		require.Contains(t, skips, reason)
		require.Contains(t, skips, "unset "+EnvCluster)
	}
}

func TestTheOwnClustersNodesAreChecked(t *testing.T) {
	c, err := parseExternalCluster("prod;native=a:1,http=a:2;native=b:1,http=b:2|native=c:1,http=c:2")
	require.NoError(t, err)
	require.Equal(t, "prod", c.Name)
	require.Len(t, c.Nodes(), 3)
	require.Len(t, c.Shards, 2)
	for text, want := range map[string]string{
		"native=a:1,http=a:2":           "write the cluster's name",
		"prod":                          "write the cluster's name",
		"prod;native=a:1,http=a:2|x=s3": "shard 2, node 1: " + EnvClickHouse + ": entry 1",
	} {
		_, err := parseExternalCluster(text)
		require.ErrorContains(t, err, want)
		require.False(t, strings.Contains(err.Error(), "s3"))
	}
}
