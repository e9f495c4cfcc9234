package clickhouse

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/cluster"
)

// clusterReader reads all nodes of a cluster, each for itself: over a connection of its own, with a delivery log of its own. The
// configured endpoints are asked for the nodes only (docs/adr/0009).
type clusterReader struct {
	*clickhouseSource
	host   source.Host
	self   *selfLogins // nil when own logins are not left out
	status *cluster.Status
	claims *cluster.Claims

	nodes sync.WaitGroup

	mu     sync.Mutex
	listed []string        // endpoints of the nodes that there are
	active map[string]bool // endpoints that are read
}

func (r *clickhouseSource) newClusterReader(host source.Host) *clusterReader {
	return &clusterReader{
		clickhouseSource: r, host: host, self: r.newSelfLogins(host), status: cluster.NewStatus(host), claims: cluster.NewClaims(host.Store),
		active: map[string]bool{},
	}
}

func (r *clickhouseSource) runCluster(ctx context.Context, host source.Host) error {
	c := r.newClusterReader(host)
	defer c.nodes.Wait()
	conn, err := r.newConnection(ctx, r.cfg, c.self)
	if err != nil {
		return err
	}
	conn.log.Table = cluster.MembersTable
	defer conn.closeConnection()
	c.askForServers(ctx, nil, func() error {
		members, err := conn.readMembers(ctx, "cluster", r.cfg.Cluster)
		if err == nil { // otherwise the nodes known so far are read on
			c.setNodes(ctx, r.cfg.nodeEndpoints(members))
		}
		return err
	})
	return nil
}

// askForServers asks at every reconcile interval, whenever early has something in it, and sooner after errors, until ctx ends.
func (c *clusterReader) askForServers(ctx context.Context, early <-chan struct{}, ask func() error) {
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		err := ask()
		if ctx.Err() != nil {
			return
		}
		c.status.SetMembers(err)
		pause := c.cfg.ReconcileInterval
		if err != nil {
			pause = min(pause, pauses.NextBackOff())
		} else {
			pauses.Reset()
		}
		select {
		case <-early:
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (c *heldConnection) readMembers(ctx context.Context, key, name string) (members []cluster.Member, err error) {
	err = c.runQuery(ctx, func(conn configclickhouse.Conn) error {
		var server string
		members, server, err = cluster.ReadMembers(ctx, conn, key, name, c.log.Username)
		return c.noteAnswer(ctx, server, err)
	})
	return members, err
}

func (c *clusterReader) setNodes(ctx context.Context, endpoints []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listed = endpoints
	c.status.Expect(endpoints...)
	for _, endpoint := range endpoints { // what is no longer listed is read on as long as it can be reached: it may have logins left
		if c.active[endpoint] {
			continue
		}
		c.active[endpoint] = true
		log := c.host.Log.With(zap.String("node", endpoint))
		log.Info("reading a node of the cluster")
		n := &nodeReader{clusterReader: c, endpoint: endpoint, cfg: c.cfg.configForNode(endpoint, len(endpoints)), log: log}
		c.nodes.Go(func() { n.keepReading(ctx) })
	}
}

// giveUpIfUnlisted reports whether a node that cannot be reached is to be given up, which it then is.
func (c *clusterReader) giveUpIfUnlisted(endpoint string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.listed, endpoint) {
		return false
	}
	delete(c.active, endpoint)
	c.status.Forget(endpoint)
	return true
}

func (c Config) nodeEndpoint(m cluster.Member) string {
	scheme, port := endpointScheme(c.Endpoints[0]), strconv.Itoa(int(m.Port))
	if scheme != "clickhouse" { // servers call each other by a native port; over HTTP the nodes are taken to listen where the configured endpoint does
		_, port, _ = net.SplitHostPort(c.FirstHost())
	}
	if c.ClusterPort != 0 {
		port = strconv.Itoa(int(c.ClusterPort))
	}
	return scheme + "://" + net.JoinHostPort(m.Host, port)
}

func (c Config) nodeEndpoints(members []cluster.Member) []string {
	var all []string
	for _, m := range members {
		all = append(all, c.nodeEndpoint(m))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const (
	// fullBatchNodes is how many nodes read with batches of full size at a time; more share out the memory of so many.
	fullBatchNodes = 4
	minNodeBatch   = 1024
)

func (c Config) configForNode(endpoint string, nodes int) Config {
	c.Endpoints = []string{endpoint}
	if nodes > fullBatchNodes {
		c.BatchSize = min(c.BatchSize, max(minNodeBatch, c.BatchSize*fullBatchNodes/nodes))
	}
	return c
}
