package clickhouse

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otel-sessionlog/sessionlog/receiver/source/sourcetest"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/testengine"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// balancer is one address in front of several servers: a random one that listens for each request, or for each connection.
func balancer(t *testing.T, perConnection bool, servers ...*testengine.Server) string {
	t.Helper()
	return startBalancer(t, perConnection, func() string {
		for _, i := range rand.Perm(len(servers)) {
			if conn, err := net.DialTimeout("tcp", servers[i].HTTP, time.Second); err == nil {
				_ = conn.Close()
				return servers[i].HTTP
			}
		}
		return servers[0].HTTP
	})
}

// turnBalancer leads each connection to the next server: chance would lead eight of them to one server now and then.
func turnBalancer(t *testing.T, servers ...*testengine.Server) string {
	t.Helper()
	var turn atomic.Int64
	return startBalancer(t, true, func() string { return servers[int(turn.Add(1))%len(servers)].HTTP })
}

func startBalancer(t *testing.T, perConnection bool, pick func() string) string {
	t.Helper()
	type chosen struct{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			host := pick()
			if perConnection {
				host = r.In.Context().Value(chosen{}).(string)
			}
			r.SetURL(&url.URL{Scheme: "http", Host: host})
		},
		ModifyResponse: func(r *http.Response) error {
			if perConnection && rand.IntN(4) == 0 {
				r.Header.Set("Connection", "close") // connections do not last: the next one leads to somebody else
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusBadGateway)
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	}
	s := httptest.NewUnstartedServer(proxy)
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return context.WithValue(ctx, chosen{}, pick()) }
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

func balanced(address string) Config {
	cfg := config(address, server.Admin)
	cfg.AllReplicas = "main"
	cfg.CollectionInterval, cfg.ReconcileInterval = 300*time.Millisecond, 300*time.Millisecond // each asks both servers
	return cfg
}

// Two servers behind one address, one of which is replaced by a new one: every login is told once, with the id that it has when its
// server is read by itself, none of the source's own is, and nothing is said of rows that are gone.
func TestAllReplicasBehindOneAddress(t *testing.T) {
	for name, perConnection := range map[string]bool{"per request": false, "per connection": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication(), testengine.Dir(dir))
			first, second := c.Nodes()[0], c.Nodes()[1]
			store := &sourcetest.Store{}
			core, logs := observer.New(zap.InfoLevel)
			r := runLogged(t, balanced(balancer(t, perConnection, first, second)), store, zap.New(core))
			bobs(t, first, 2)
			bobs(t, second, 3)
			r.tells(t, 10)
			alone := config("clickhouse://"+second.Native, server.Admin)
			byItself := run(t, alone, nil)
			byItself.tells(t, 6)
			byItself.stop()
			for _, e := range byItself.emit.Delivered() {
				if e.User == server.Bob.Name {
					require.Contains(t, r.byID(t), e.RecordID)
				}
			}

			second.Kill(t)
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "node-1-2", "data")))
			bobs(t, first, 1)
			r.tells(t, 12)
			second.Restart(t)
			bobs(t, second, 2)
			bobs(t, first, 1)
			r.tells(t, 18)
			eventually(t, "all is well", func() bool { return r.lastStatus() == nil })
			require.Positive(t, r.stats.Counts().Excluded)
			require.Zero(t, r.stats.Counts().Vanished)
			r.stop()
			require.Zero(t, logs.FilterMessageSnippet("gone from the table").Len())
			require.Empty(t, overNetwork(r.emit.Delivered(), server.Admin.Name, first, second))

			again := run(t, balanced(balancer(t, perConnection, first, second)), store)
			bobs(t, first, 1)
			again.tells(t, 2)
			require.Zero(t, again.stats.Counts().Vanished)
		})
	}
}

// What a poll costs is a query for the sums of all servers, and one for each that has new rows: those of the poll's own logins are new.
func TestAPollOfAllReplicasAsksLittle(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication(), testengine.FlushInterval(100*time.Millisecond))
	cfg := balanced(balancer(t, false, c.Nodes()...))
	cfg.CollectionInterval, cfg.ReconcileInterval = 500*time.Millisecond, time.Hour // in which the logins of a poll are written
	r := run(t, cfg, nil)
	await := func(polls int) { // of both, behind which they rest
		eventually(t, "polls", func() bool { return r.stats.Counts().ReadCalls >= polls*len(c.Nodes()) })
	}
	const asked = "SELECT count() FROM system.query_log WHERE type = 'QueryStart' AND is_initial_query AND query LIKE '%clusterAllReplicas%' AND query NOT LIKE '%query_log%'"
	count := func() (n int) {
		for _, s := range c.Nodes() {
			s.FlushLogs(t)
			one, err := strconv.Atoi(s.Query(t, asked)[0][0])
			require.NoError(t, err)
			n += one
		}
		return n
	}
	await(3)
	before := count()
	const polls = 4
	await(3 + polls)
	requests := count() - before
	t.Logf("%d requests in %d polls of 2 servers: %.1f a poll", requests, polls, float64(requests)/polls)
	require.LessOrEqual(t, float64(requests)/polls, 4.5)
}

// overNetwork are the logins of an account that are not the test's own: those come from ports that the test's client had.
func overNetwork(events []session.Event, user string, servers ...*testengine.Server) (strange []session.Event) {
	for _, e := range events {
		if e.User == user && e.Interface != "HTTP" && e.Interface != "TCP" {
			strange = append(strange, e)
		}
	}
	return strange
}

// Without all_replicas one address that leads to several servers is said, with the way out, and is no reason to speak of rows that are gone.
func TestSeveralServersBehindOneAddressAreSaid(t *testing.T) {
	c := testengine.ClickHouseCluster(t, 1, 2, testengine.NoReplication())
	first, second := c.Nodes()[0], c.Nodes()[1]
	bobs(t, first, 2)
	bobs(t, second, 3)
	core, logs := observer.New(zap.InfoLevel)
	cfg := config(balancer(t, false, first, second), server.Audit)
	r := runLogged(t, cfg, nil, zap.New(core))
	eventually(t, "the way out", func() bool {
		err := r.lastStatus()
		return err != nil && errors.As(err, new(*severalServersError)) && len(logs.FilterLevelExact(zap.WarnLevel).All()) > 0
	})
	require.ErrorContains(t, r.lastStatus(), "all_replicas")
	from := r.stats.Counts().ReadCalls
	eventually(t, "polls", func() bool { return r.stats.Counts().ReadCalls > from+6 })
	require.Zero(t, r.stats.Counts().Vanished)
	for _, entry := range logs.All() {
		require.NotContains(t, entry.Message, "gone")
		require.NotContains(t, entry.Message, "truncated")
	}
	require.NotEmpty(t, logs.FilterLevelExact(zap.WarnLevel).FilterMessageSnippet("not reliably").All())
	require.LessOrEqual(t, logs.FilterMessageSnippet("not reliably").Len(), 2, "it is said once, and then every ten minutes")
}
