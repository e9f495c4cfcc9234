package testengine

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/otel-sessionlog/sessionlog/testengine/engines"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

// Cluster is a running ClickHouse cluster: a ZooKeeper and real nodes. Each node is a [Server] like any other, to be killed, frozen and
// restarted by itself.
type Cluster struct {
	Name   string      // as ON CLUSTER, Distributed and clusterAllReplicas want it
	Shards [][]*Server // the replicas of each shard

	zooKeeper *zookeeper.Server // nil with NoReplication and when it is a user's own cluster
}

// ClickHouseCluster starts a cluster of shards x replicas nodes on loopback, or hands out that of SESSIONLOG_TEST_CLICKHOUSE_CLUSTER.
// Macros {shard}, {replica} and {cluster} are set, so that a table is made with
//
//	CREATE TABLE t ON CLUSTER main (…) ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/t', '{replica}') …
//
// A node takes some 240 MB: keep them few. Without engine or ZooKeeper the test is skipped, and fails where SESSIONLOG_REQUIRE_ENGINES is 1.
func ClickHouseCluster(tb testing.TB, shards, replicas int, options ...Option) *Cluster {
	tb.Helper()
	set := collect(options)
	if external, ok := externalClusterFromEnv(tb); ok {
		external.applySettings(tb, set, shards, replicas)
		return external
	}
	if set.Dir == "" {
		set.Dir = DataDir(tb)
	}
	own, err := server.StartCluster(tb.Context(), set.Config, shards, replicas)
	if errors.Is(err, engines.ErrMissing) {
		Missing(tb, "real ClickHouse", engineRemedy())
	}
	if errors.Is(err, zookeeper.ErrMissing) {
		Missing(tb, "real ZooKeeper", zookeeper.Remedy+", or name a cluster of yours in "+EnvCluster)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := own.Close(); err != nil {
			tb.Errorf("end of the cluster: %v", err)
		}
	})
	c := &Cluster{Name: server.ClusterName, zooKeeper: own.ZooKeeper}
	for _, shard := range own.Nodes {
		var nodes []*Server
		for _, s := range shard {
			nodes = append(nodes, &Server{Native: s.Native, HTTP: s.HTTP, PID: s.PID, admin: server.Admin, own: s, settings: set})
		}
		c.Shards = append(c.Shards, nodes)
	}
	return c
}

// Nodes are all nodes, shard by shard.
func (c *Cluster) Nodes() []*Server { return slices.Concat(c.Shards...) }

// StopZooKeeper ends ZooKeeper at once: connections to it are refused. Replicated tables become read-only when their sessions expire.
func (c *Cluster) StopZooKeeper(tb testing.TB) {
	tb.Helper()
	c.requireDone(tb, "stopped", (*zookeeper.Server).Stop)
}

// StartZooKeeper ends a StopZooKeeper; what it knew is there.
func (c *Cluster) StartZooKeeper(tb testing.TB) {
	tb.Helper()
	c.requireDone(tb, "started", func(z *zookeeper.Server) error { return z.Start(tb.Context()) })
}

// FreezeZooKeeper stops its process in its tracks: connections stand, and nothing answers.
func (c *Cluster) FreezeZooKeeper(tb testing.TB) {
	tb.Helper()
	c.requireDone(tb, "frozen", func(z *zookeeper.Server) error { return syscall.Kill(z.PID(), syscall.SIGSTOP) })
	waitStopped(tb, c.zooKeeper.PID())
}

// ThawZooKeeper ends a FreezeZooKeeper.
func (c *Cluster) ThawZooKeeper(tb testing.TB) {
	tb.Helper()
	c.requireDone(tb, "thawed", func(z *zookeeper.Server) error { return syscall.Kill(z.PID(), syscall.SIGCONT) })
}

func (c *Cluster) requireDone(tb testing.TB, done string, do func(*zookeeper.Server) error) {
	tb.Helper()
	if c.zooKeeper == nil && c.Shards[0][0].own != nil {
		tb.Fatalf("with NoReplication no ZooKeeper can be %s", done)
	}
	if c.zooKeeper == nil {
		skipExternalCluster(tb, "ZooKeeper would be "+done)
	}
	if err := do(c.zooKeeper); err != nil {
		tb.Fatal(err)
	}
}
