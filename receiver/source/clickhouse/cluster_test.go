package clickhouse

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/logins"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// clusterConfig reads all nodes, asking the first one which they are.
func clusterConfig(c *testengine.Cluster, first *testengine.Server) Config {
	cfg := config(endpoint(first, "native"), server.Audit)
	cfg.Cluster = c.Name
	cfg.CollectionInterval, cfg.ReconcileInterval = 200*time.Millisecond, 200*time.Millisecond
	return cfg
}

// bobs logs bob in n times on a node, by both protocols. Each login has two rows.
func bobs(t testing.TB, s *testengine.Server, n int) {
	t.Helper()
	c := logins.New(s.Native, s.HTTP)
	defer c.Close()
	for i := range n {
		done, err := c.Login(t.Context(), logins.Attempt{Protocol: logins.Protocol(i % 2), User: server.Bob.Name, Password: server.Bob.Password})
		require.NoError(t, err)
		require.True(t, done.OK)
	}
	s.FlushLogs(t)
}

// tells waits until so many rows of bob have come, and fails when one has come twice.
func (r *running) tells(t testing.TB, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d rows of bob", n), func() bool { return r.users()[server.Bob.Name] >= n })
	require.Equal(t, n, r.users()[server.Bob.Name])
	r.byID(t)
}

// Every node keeps a log of its own. The source's own logins, on whichever node, are left out and counted; others of the same
// account from the same machine are not.
func TestClusterReadsEveryNode(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 2, 1, testengine.NoReplication())
	nodes := c.Nodes()
	store := &sourcetest.Store{}
	r := run(t, clusterConfig(c, nodes[0]), store)
	want := 0
	for _, s := range nodes {
		bobs(t, s, 3)
		want += len(others(t, s))
		s.FlushLogs(t)
	}
	r.tells(t, 12)
	eventually(t, "other people's logins", func() bool { return len(audits(r.emit.Delivered())) >= want })
	eventually(t, "own logins: two connections to the first node, one to the second", func() bool { return r.stats.Counts().Excluded >= 3 })
	now := time.Now()
	eventually(t, "all nodes have been read, and that is stored", func() bool { return r.stats.Counts().ReadUpTo.After(now) })
	require.NoError(t, r.lastStatus())
	left := store.Fork() // as of a kill
	r.stop()
	for _, s := range nodes {
		require.Eventually(t, func() bool { return ended(t, s, "native") }, patience, pause)
	}

	second := run(t, clusterConfig(c, nodes[1]), left)
	bobs(t, nodes[0], 1)
	second.tells(t, 2)
	eventually(t, "its own logouts", func() bool { return second.stats.Counts().Excluded >= 3 })
	second.whole(t)
	got := audits(append(r.emit.Delivered(), second.emit.Delivered()...))
	require.Len(t, got, want, "logins of the account that are not the source's own")
}

func TestClusterNodeThatIsDown(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication())
	up, down := c.Nodes()[0], c.Nodes()[1]
	cfg := clusterConfig(c, up)
	cfg.Initial = "end" // of all of them, whenever they are met first
	bobs(t, up, 1)
	bobs(t, down, 1)
	down.Kill(t)
	r := run(t, cfg, nil)
	eventually(t, "the status names the node", func() bool {
		err := r.lastStatus()
		return err != nil && strings.Contains(err.Error(), down.Native)
	})
	down.Restart(t)
	bobs(t, up, 1)
	bobs(t, down, 2)
	r.tells(t, 6)
	down.Kill(t)
	bobs(t, up, 1)
	r.tells(t, 8)
	eventually(t, "the status names the node", func() bool {
		err := r.lastStatus()
		return err != nil && strings.Contains(err.Error(), "node clickhouse://"+down.Native+": ") && !strings.Contains(err.Error(), up.Native)
	})
	down.Restart(t)
	bobs(t, down, 2)
	r.tells(t, 12)
	eventually(t, "all is well again", func() bool { return r.lastStatus() == nil })
}

// restart kills first: a clean stop would wait for the source's connections.
func restart(t testing.TB, s *testengine.Server, options ...testengine.Option) {
	t.Helper()
	s.FlushLogs(t)
	s.Kill(t)
	s.Restart(t, options...)
}

// The list of nodes is asked for again and again: what is in it is read, whatever it is called.
func TestClusterNodesComeAndChangeTheirNames(t *testing.T) {
	dir := t.TempDir()
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication(), testengine.Dir(dir))
	asked, other := c.Nodes()[0], c.Nodes()[1]
	_, port, err := net.SplitHostPort(other.Native)
	require.NoError(t, err)
	_, askedPort, err := net.SplitHostPort(asked.Native)
	require.NoError(t, err)
	list := func(replicas ...string) testengine.Option {
		var xml strings.Builder
		for _, r := range replicas {
			host, port, _ := net.SplitHostPort(r)
			fmt.Fprintf(&xml, "<shard><replica><host>%s</host><port>%s</port></replica></shard>", host, port)
		}
		return testengine.ConfigXML("<remote_servers><logs>" + xml.String() + "</logs></remote_servers>")
	}
	restart(t, asked, list(asked.Native))
	bobs(t, other, 2)
	cfg := clusterConfig(c, asked)
	cfg.Cluster = "logs"
	r := run(t, cfg, nil)
	bobs(t, asked, 1)
	r.tells(t, 2)

	restart(t, asked, list(asked.Native, other.Native))
	r.tells(t, 6) // what it has logged before it was listed, too

	// The other node under another name, the asked one under two.
	restart(t, asked, list(asked.Native, "localhost:"+askedPort, "localhost:"+port))
	bobs(t, asked, 1)
	bobs(t, other, 1)
	r.tells(t, 10)
	restart(t, other) // so that it has to be found under its new name
	bobs(t, other, 1)
	r.tells(t, 12)

	// Replaced by a new server under the same name.
	other.Kill(t)
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "node-1-2", "data")))
	other.Restart(t)
	bobs(t, other, 3)
	r.tells(t, 18)
	eventually(t, "all is well", func() bool { return r.lastStatus() == nil })
	require.Zero(t, r.stats.Counts().Repeated)
	require.Zero(t, r.stats.Counts().Vanished, "what was in the log of the server that was replaced is not missed")
	for at := range audits(r.emit.Delivered()) {
		t.Errorf("an own login from %s was told", at)
	}
}

func TestClusterOverHTTPWithTraces(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 1, testengine.NoReplication(), testengine.TraceLogs())
	s := c.Nodes()[0]
	cfg := clusterConfig(c, s)
	cfg.Endpoints = []string{"http://" + s.HTTP}
	cfg.TraceCorrelation, cfg.CollectionInterval = TraceConfig{Enabled: true, Settle: settled}, time.Second
	r := run(t, cfg, nil)
	bobs(t, s, 2)
	client, traced := logins.New(s.Native, s.HTTP), newTrace()
	defer client.Close()
	_, err := client.Login(t.Context(), logins.Attempt{
		Protocol: logins.HTTP, User: server.Bob.Name, Password: server.Bob.Password, SessionID: "traced", TraceParent: traceParent(traced),
	})
	require.NoError(t, err)
	r.tells(t, 6)
	require.Equal(t, [16]byte(traced.TraceID()), r.login(t, named("traced")).TraceID)
	eventually(t, "own logins", func() bool { return r.stats.Counts().Excluded > 4 })
	require.Empty(t, audits(r.emit.Delivered()))
}

func TestClusterThatIsNotThere(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 1, testengine.NoReplication())
	cfg := clusterConfig(c, c.Nodes()[0])
	cfg.Cluster = "it's"
	core, logs := observer.New(zap.WarnLevel)
	r := runLogged(t, cfg, nil, zap.New(core))
	eventually(t, "its names", func() bool {
		err := r.lastStatus()
		return err != nil && strings.Contains(err.Error(), `cluster: the server knows no cluster "it's", only: main`)
	})
	eventually(t, "failed polls are counted", func() bool { return r.stats.Counts().Failed > 2 })
	require.Equal(t, 1, logs.Len(), "one warning: %v", logs.All())
	require.Contains(t, logs.All()[0].ContextMap()["error"], "only: main")

	wrong := clusterConfig(c, c.Nodes()[0])
	wrong.Password = "another secret"
	core, logs = observer.New(zap.WarnLevel)
	rejected := runLogged(t, wrong, nil, zap.New(core))
	eventually(t, "a warning", func() bool { return logs.Len() > 0 && rejected.lastStatus() != nil })
	require.Contains(t, logs.All()[0].ContextMap()["error"], "check username and password")
	require.NotContains(t, logs.All()[0].ContextMap()["error"], "another secret")

	away := clusterConfig(c, c.Nodes()[0])
	away.Endpoints = []string{"127.0.0.1:1"}
	core, logs = observer.New(zap.WarnLevel)
	unreached := runLogged(t, away, nil, zap.New(core))
	eventually(t, "a warning", func() bool { return logs.Len() > 0 && unreached.lastStatus() != nil })
	require.Contains(t, logs.All()[0].ContextMap()["error"], "127.0.0.1:1")

	cfg = clusterConfig(c, c.Nodes()[0])
	cfg.Username, cfg.Password = server.Erin.Name, "erin-pw"
	refused := run(t, cfg, nil)
	eventually(t, "the remedy", func() bool {
		err := refused.lastStatus()
		return err != nil && strings.Contains(err.Error(), "GRANT SELECT ON system.clusters TO erin")
	})
}
