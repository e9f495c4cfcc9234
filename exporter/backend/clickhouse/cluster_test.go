package clickhouse

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealtest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// TestCluster shows one cluster after the other misfortune: each test begins with all nodes running.
func TestCluster(t *testing.T) {
	t.Parallel() // it waits most of its time
	t.Run("Suite", clusterSuite)
	c := testengine.ClickHouseCluster(t, 2, 2, testengine.LogsOnDemand(), sessionlogMay(grantsOnCluster(t)...))
	cfg := clusterConfig(c, "audit")
	for _, step := range []struct {
		name string
		test func(*testing.T, *testengine.Cluster, Config)
	}{
		{"Privileges", clusterPrivileges},
		{"ByHand", clusterByHand},
		{"Spread", clusterSpread},
		{"OnceFromEverywhere", clusterOnce},
		{"BehindOneAddress", clusterBehindOneAddress},
		{"TTLWaits", clusterTTLWaits},
		{"ReplicaDead", clusterReplicaDead},
		{"ZooKeeperDead", clusterZooKeeperDead},
		{"NodeDeadDuringDDL", clusterDeadDuringDDL},
	} {
		t.Run(step.name, func(t *testing.T) { step.test(t, c, cfg) })
	}
}

func clusterConfig(c *testengine.Cluster, database string) Config {
	cfg := DefaultConfig()
	cfg.serversAsked = 1
	for _, node := range c.Nodes() {
		cfg.Endpoints = append(cfg.Endpoints, endpoint(node, "native"))
	}
	cfg.Username, cfg.Password = server.Admin.Name, configopaque.String(server.Admin.Password)
	cfg.Cluster, cfg.Database, cfg.ReadTimeout = c.Name, database, 30*time.Second
	return cfg
}

// clusterSuite: what records on two shards can break of what every backend passes. Second replicas would double what it costs, and what
// they can break is for the other steps.
func clusterSuite(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 2, 1, testengine.LogsOnDemand())
	cfg := clusterConfig(c, "suite")
	s := startedStore(t, cfg)
	require.Equal(t, 10, write1(t, s, typical(0, 10)).Written, "by whoever has made the database, too")
	stopStore(t, s)
	node := c.Nodes()[0]
	backendtest.RunPart(t, backendtest.Harness{
		Dialect: backendtest.ClickHouse,
		New: func(t *testing.T) backendtest.Storage {
			truncateOnShards(t, c, "suite")
			return database{node, cfg}
		},
	}, backendtest.Spread)
	for _, part := range []string{"WhatWasWrittenIsVerified", "AKillBeforeTheSeal"} {
		sealtest.RunPart(t, part, func(t *testing.T) sealtest.Database {
			truncateOnShards(t, c, "suite")
			return sealedDatabase{node, cfg}
		})
	}
	truncateOnShards(t, c, "suite")
	t.Run("Erases", func(t *testing.T) { clusterErases(t, c, cfg) })
	t.Run("AddsColumn", func(t *testing.T) { clusterAddsColumn(t, c, cfg) })
}

// clusterAddsColumn: a newer program adds a column on all nodes, where the rows are and where they are asked for.
func clusterAddsColumn(t *testing.T, c *testengine.Cluster, cfg Config) {
	s := newerStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	stopStore(t, s)
	for _, node := range c.Nodes() {
		require.Equal(t, "8", count(t, node, cfg, "SELECT countIf(added = '') FROM session_events"))
		require.Equal(t, "0", count(t, node, cfg, "SELECT countIf(added = '') FROM session_conflicts"))
	}
}

// truncateOnShards asks the shards themselves: ON CLUSTER costs all nodes, and their ZooKeeper, more than to truncate.
func truncateOnShards(t *testing.T, c *testengine.Cluster, database string) {
	for _, shard := range c.Shards {
		truncateStoringTables(t, shard[0], database, "_local", " SYNC")
	}
}

// clusterErases: open sessions and derived tables are those of both shards, before an erasure and after it.
func clusterErases(t *testing.T, c *testengine.Cluster, cfg Config) {
	now := time.Now()
	var ids []session.ID
	s := startStore(t, cfg)
	write1(t, s, func(yield func(int, *session.Event) bool) {
		for n := range 20 {
			id := session.ID{6: 0x80, 15: byte(n)}
			ids = append(ids, id)
			if !yield(n, &session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, Time: now.UnixNano(), User: "alice", ClientAddress: "192.0.2.1", RecordID: id, SessionKey: id}) {
				return
			}
		}
	})
	requireLeft := func(left string) {
		for _, node := range c.Nodes() {
			require.Equal(t, left, count(t, node, cfg, "SELECT count() FROM open_sessions"), "on both shards")
			requireDerived(t, node, cfg)
		}
	}
	requireLeft("20")
	require.NoError(t, s.EraseRecords(t.Context(), ids[8:], false))
	requireLeft("8")
}

// clusterSpread: both shards have some of the records, both replicas of each have the same, all views say the same on every node.
func clusterSpread(t *testing.T, c *testengine.Cluster, cfg Config) {
	s := startStore(t, cfg)
	require.Equal(t, backend.Result{Written: 2000}, write1(t, s, typical(0, 2000)))
	for _, node := range c.Nodes() {
		require.Equal(t, "2000", count(t, node, cfg, "SELECT count() FROM session_log"))
		require.Equal(t, "900", count(t, node, cfg, "SELECT count() FROM sessions WHERE state = 'closed'"))
		require.Equal(t, "1", count(t, node, cfg, "SELECT count(DISTINCT client_name) FROM session_clients"))
	}
	for _, shard := range c.Shards {
		here := count(t, shard[0], cfg, "SELECT count() FROM session_events_local")
		require.NotContains(t, []string{"0", "2000"}, here)
		require.Equal(t, here, count(t, shard[1], cfg, "SELECT count() FROM session_events_local"), "a quorum of two has all")
	}
}

// clusterOnce: told again through another node, regrouped, and forged.
func clusterOnce(t *testing.T, c *testengine.Cluster, cfg Config) {
	other := cfg
	other.Endpoints = []string{endpoint(c.Shards[1][1], "http")}
	s := startStore(t, other)
	require.Equal(t, backend.Result{Written: 100, Duplicates: 2000}, write1(t, s, typical(0, 2100)))
	forged := func(yield func(int, *session.Event) bool) {
		for i, e := range typical(0, 50) {
			if e.User = "somebody else"; !yield(i, e) {
				return
			}
		}
	}
	for range 2 {
		require.Equal(t, backend.Result{Conflicts: 50}, write1(t, s, forged))
	}
	require.Equal(t, "50", count(t, c.Shards[0][0], cfg, "SELECT count() FROM session_conflicts"))
	requireCount(t, c, cfg, 2100)
}

// clusterTTLWaits, with the expired records counted over both shards, and the TTL changed on all nodes.
func clusterTTLWaits(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.Database = "by_hand" // which the program takes over
	node := c.Nodes()[3]
	node.Exec(t, "CREATE DATABASE IF NOT EXISTS by_hand ON CLUSTER '"+c.Name+"'")
	truncateOnShards(t, c, cfg.Database)
	requireTTLWaits(t, cfg, func() string {
		return count(t, node, cfg, "SELECT countIf(engine_full LIKE '% TTL %') FROM system.tables WHERE database = currentDatabase()")
	}, func(sql string) string { return count(t, node, cfg, sql) })
}

// clusterReplicaDead: without a quorum nothing counts as written, and afterwards everything is there once. Where one replica is told to
// be enough, writing goes on.
func clusterReplicaDead(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.ReadTimeout = 10 * time.Second
	s := startStore(t, cfg)
	dead := c.Shards[0][0] // the first endpoint as well
	dead.Kill(t)
	_, err := s.Write(t.Context(), typical(2100, 2300))
	require.Error(t, err)
	one := cfg
	one.Quorum, one.CreateSchema = "1", false
	res := write1(t, startStore(t, one), typical(2200, 2400))
	require.Equal(t, 200, res.Written+res.Duplicates)
	dead.Restart(t)
	eventually(t, func() bool {
		_, err = s.Write(t.Context(), typical(2100, 2500))
		return err == nil
	})
	requireCount(t, c, cfg, 2500)
}

// clusterZooKeeperDead: tables take no writes, and do again when it is back.
func clusterZooKeeperDead(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.ReadTimeout = 10 * time.Second
	s := startStore(t, cfg)
	c.StopZooKeeper(t)
	_, err := s.Write(t.Context(), typical(2500, 2600))
	require.Error(t, err)
	c.StartZooKeeper(t)
	eventually(t, func() bool {
		_, err = s.Write(t.Context(), typical(2500, 2700))
		return err == nil
	})
	requireCount(t, c, cfg, 2700)
}

// clusterDeadDuringDDL: a node that was away while tables were made, and then changed, has them as the others do soon after it is back.
func clusterDeadDuringDDL(t *testing.T, c *testengine.Cluster, cfg Config) {
	usual, usualInterval := schemaChangeLimits, nodesInterval
	schemaChangeLimits.first, schemaChangeLimits.nodeAway, nodesInterval = "8", "2", 4*time.Second
	defer func() { schemaChangeLimits, nodesInterval = usual, usualInterval }()
	dead := c.Shards[1][1]
	dead.Kill(t)
	cfg.TTL = 100_000 * time.Hour // a change for each table
	cfg.Quorum, cfg.ReadTimeout = "1", 10*time.Second
	newlyMade := cfg
	newlyMade.Database = "late"
	for _, cfg := range []Config{cfg, newlyMade} {
		require.Equal(t, 100, write1(t, startStore(t, cfg), typical(2700, 2800)).Written)
	}
	dead.Restart(t)
	for _, cfg := range []Config{cfg, newlyMade} {
		eventually(t, func() bool {
			rows, err := dead.TryQuery(t.Context(), "SELECT count() FROM system.tables WHERE engine_full LIKE '% TTL %' AND database = '"+cfg.Database+"'")
			return err == nil && rows[0][0] == fmt.Sprint(agingTables)
		})
	}
	requireCount(t, c, cfg, 2800)
	requireCount(t, c, newlyMade, 100)
}

// requireCount asks every node, and waits for those that catch up.
func requireCount(t *testing.T, c *testengine.Cluster, cfg Config, want int) {
	t.Helper()
	for _, node := range c.Nodes() {
		eventually(t, func() bool {
			rows, err := node.TryQuery(t.Context(), "SELECT count(), uniqExact(record_id) FROM "+cfg.Database+".session_log")
			return err == nil && rows[0][0] == fmt.Sprint(want) && rows[0][1] == fmt.Sprint(want)
		})
	}
}

// eventually waits for a condition that must come.
func eventually(t testing.TB, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}
