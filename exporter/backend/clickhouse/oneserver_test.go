package clickhouse

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine"
)

// balancer is one address in front of several servers, which get the requests in turn. It notes the statements.
type balancer struct {
	http.Handler
	targets []string

	mu         sync.Mutex
	requests   int
	statements []string
}

func startBalancer(t *testing.T, nodes ...*testengine.Server) (b *balancer, address string) {
	b = &balancer{}
	for _, node := range nodes {
		b.targets = append(b.targets, node.HTTP)
	}
	b.Handler = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: b.next(r.Out)}) },
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	s := httptest.NewServer(b)
	t.Cleanup(s.Close)
	return b, s.URL
}

func (b *balancer) next(r *http.Request) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	statement := r.URL.Query().Get("query")
	if statement == "" && r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		statement = string(body)
	}
	b.statements = append(b.statements, statement)
	b.requests++
	return b.targets[b.requests/2%len(b.targets)] // a new connection asks twice
}

// clusterBehindOneAddress: without cluster nothing is made on one of two servers, and one sentence says what to write; with it, and where
// somebody has made tables that are Replicated, all is as it should be, whoever answers.
func clusterBehindOneAddress(t *testing.T, c *testengine.Cluster, cfg Config) {
	cfg.serversAsked = 2 // the balancer leads to both in turn
	first, second := c.Shards[0][0], c.Shards[0][1]
	_, address := startBalancer(t, first, second)
	cfg.Endpoints = []string{address}
	alone := cfg
	alone.Cluster, alone.Database = "", "balanced"
	refused := func(cfg Config) {
		t.Helper()
		s := newStore(t, cfg)
		defer stopStore(t, s)
		err := s.Start(t.Context())
		require.ErrorIs(t, err, ErrSeveralServers)
		require.ErrorContains(t, err, "write cluster: ")
		for _, node := range []*testengine.Server{first, second} {
			require.ErrorContains(t, err, node.Query(t, "SELECT serverUUID()")[0][0])
			require.Equal(t, "0", node.Query(t, "SELECT count() FROM system.databases WHERE name = 'balanced'")[0][0], "nothing is made")
		}
	}
	refused(alone)
	both := alone
	both.Endpoints = []string{endpoint(first, "native"), endpoint(second, "native")}
	refused(both)
	bad := map[string]string{}
	for _, f := range alone.CheckConnection(t.Context()) {
		if !f.OK {
			bad[f.Subject] = f.Key
		}
	}
	require.Equal(t, map[string]string{"servers behind the address": "cluster"}, bad)

	s := startedStore(t, cfg)
	require.Equal(t, 200, write1(t, s, typical(0, 200)).Duplicates)
	stopStore(t, s)
	alone.CreateSchema, alone.Database = false, cfg.Database // the tables are Distributed
	require.Equal(t, 200, write1(t, startStore(t, alone), typical(0, 200)).Duplicates)
}

var (
	engine          = regexp.MustCompile(`ENGINE = (\S+)`)
	engineOfOneNode = regexp.MustCompile(`^(MergeTree|AggregatingMergeTree|ReplacingMergeTree(\(precedence\))?);?$`)
)

// nothingOfClusters: without cluster no statement names one, and no engine says where its replicas are, so that ClickHouse Cloud makes
// Shared tables of them: https://clickhouse.com/docs/cloud/reference/shared-merge-tree
func nothingOfClusters(t *testing.T, ch *testengine.Server) {
	b, address := startBalancer(t, ch)
	cfg := testConfig(t, ch, "http")
	cfg.Endpoints = []string{address}
	for _, fsync := range []bool{false, true} { // changes the tables
		cfg.Fsync = fsync
		s := startedStore(t, cfg)
		write1(t, s, typical(0, 10))
		stopStore(t, s)
	}
	made, altered := 0, 0
	for _, sql := range b.statements {
		sql = strings.ReplaceAll(sql, "parallel_distributed_insert_select = 0", "") // means nothing to tables of one server
		for _, word := range []string{"ON CLUSTER", "Replicated", "Distributed", "{replica}", "/clickhouse/", "quorum", "distributed_"} {
			require.NotContains(t, sql, word)
		}
		for _, m := range engine.FindAllStringSubmatch(sql, -1) {
			require.Regexp(t, engineOfOneNode, m[1])
			made++
		}
		if strings.HasPrefix(sql, "ALTER TABLE") {
			altered++
		}
	}
	require.GreaterOrEqual(t, made, len(storingTables)+1, "sessionlog_migrations too")
	require.Positive(t, altered)
}
