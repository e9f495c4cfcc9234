package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/backendtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/proof"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// sink is a ClickHouse that the collector writes into, with the node that is killed.
type sink struct {
	cfg    clickhouse.Config
	victim *testengine.Server
	nodes  []*testengine.Server
}

// TestClickHouseStory: senders push events over OTLP and repeat whatever was not answered with yes, in other groups, while collector
// and ClickHouse are killed in turn. Then count() on session_log, asked at once, is the number of events, and each is equal field by field.
func TestClickHouseStory(t *testing.T) {
	t.Run("one server", func(t *testing.T) {
		besideOthers(t)
		s := testengine.ClickHouse(t, testengine.LogsOnDemand())
		tellClickHouse(t, "clickhouse", sinkOf("", s))
	})
	t.Run("cluster", func(t *testing.T) {
		besideOthers(t)
		shards := 1
		if os.Getenv(envStoryRows) != "" {
			shards = 2
		}
		c := testengine.ClickHouseCluster(t, shards, 2, testengine.LogsOnDemand())
		tellClickHouse(t, fmt.Sprintf("clickhouse %dx2", shards), sinkOf(c.Name, c.Nodes()...))
	})
}

func sinkOf(cluster string, nodes ...*testengine.Server) sink {
	s := sink{cfg: clickhouse.DefaultConfig(), victim: nodes[len(nodes)-1], nodes: nodes}
	for _, n := range nodes {
		s.cfg.Endpoints = append(s.cfg.Endpoints, "clickhouse://"+n.Native)
	}
	s.cfg.Username, s.cfg.Password = server.Admin.Name, configopaque.String(server.Admin.Password)
	s.cfg.Database, s.cfg.Cluster = "story", cluster
	return s
}

func tellClickHouse(t *testing.T, name string, to sink) {
	st := &story{rows: number(t, envStoryRows, 5_000), seed: number(t, envStorySeed, 1), commit: proof.Commit(t.Context()), to: &table{backend: name}}
	address := freeAddress(t)
	st.col = newCollector(t, fmt.Sprintf("  otlp:\n    protocols: {http: {endpoint: %q}}\n", address), "otlp")
	st.col.into(t, fmt.Sprintf("clickhouse: {endpoints: [%s], username: %s, password: %s, database: story, cluster: %q, read_timeout: 30s}",
		strings.Join(to.cfg.Endpoints, ", "), server.Admin.Name, server.Admin.Password, to.cfg.Cluster))
	begin := time.Now()
	st.col.start(t)
	told := make(chan error, 1)
	var taken atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), patience*10+time.Duration(st.rows/1000)*time.Second)
	defer cancel()
	go func() { told <- tell(ctx, address, st.rows, rand.New(rand.NewPCG(1, uint64(st.seed))), &taken) }() //nolint:gosec // a seed
	for k := range kills {
		require.Eventually(t, func() bool { return int(taken.Load()) >= (k+1)*st.rows/(kills+2) }, patience*5, quick)
		if k%2 == 0 {
			to.victim.Kill(t)
			to.victim.Restart(t)
			continue
		}
		st.measure(t)
		st.col.kill(t)
		st.col.start(t)
	}
	require.NoError(t, <-told)
	for _, node := range to.nodes[:1] {
		require.Equal(t, fmt.Sprint(st.rows), node.Query(t, "SELECT count() FROM story.session_log")[0][0], "at once")
	}
	st.measure(t)
	spent := time.Since(begin)
	st.col.stop(t)
	requireTypical(t, to.cfg, st.rows)
	st.noteAs(t, "otlp", spent)
}

// into replaces the collector's store.
func (c *collector) into(t *testing.T, block string) {
	t.Helper()
	text, err := os.ReadFile(c.config)
	require.NoError(t, err)
	before, after, found := strings.Cut(string(text), "    sqlite: {")
	require.True(t, found)
	_, after, _ = strings.Cut(after, "\n")
	require.NoError(t, os.WriteFile(c.config, []byte(before+"    "+block+"\n"+after), 0o600))
}

// tell sends all events, in groups of any size, some of them once more. A group that was not taken is sent again in another one.
func tell(ctx context.Context, address string, rows int, dice *rand.Rand, taken *atomic.Int64) error {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	for from := 0; from < rows; {
		first := max(0, from-dice.IntN(200))
		to := min(rows, from+1+dice.IntN(1+min(10_000, rows/10)))
		if !post(ctx, client, address, first, to) {
			if ctx.Err() != nil {
				return fmt.Errorf("event %d of %d: %w", from, rows, ctx.Err())
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		from = to
		taken.Store(int64(from))
	}
	return nil
}

func post(ctx context.Context, client *http.Client, address string, from, to int) bool {
	events := make([]session.Event, to-from)
	for i := range events {
		sessiontest.Typical(&events[i], from+i)
	}
	logs := plogs.NewEncoder("test").Encode(events)
	body, err := plogotlp.NewExportRequestFromLogs(logs).MarshalProto()
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/logs", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}

// requireTypical reads the table: the events of these numbers, in order, each once.
func requireTypical(t *testing.T, cfg clickhouse.Config, rows int) {
	t.Helper()
	n := 0
	var want session.Event
	for e, err := range backendtest.StoredEvents(t.Context(), clickhouse.OpenQueryStore, cfg, "record_id") {
		require.NoError(t, err)
		sessiontest.Typical(&want, n)
		require.True(t, sessiontest.SameContent(&want, e), "record %d is not what was sent", n)
		n++
	}
	require.Equal(t, rows, n)
}
