package server

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"

	"github.com/otel-sessionlog/sessionlog/testengine/port"
	"github.com/otel-sessionlog/sessionlog/testengine/zookeeper"
)

// ClusterName is what the nodes of StartCluster call their cluster.
const ClusterName = "main"

const (
	// interserverHost is where replicas fetch parts from each other: beside the clients' listeners, at the HTTP port's number.
	interserverHost = "127.0.0.2"
	ddlQueue        = "/clickhouse/task_queue/ddl"
	// clusterSecret lets a node log in to others in the name of the user who asked it (interface TCP_Interserver).
	clusterSecret = "cluster-secret"
	portTries     = 20
)

// Cluster is a ZooKeeper and the nodes that it holds together. It is not safe for concurrent use.
type Cluster struct {
	Nodes     [][]*Server       // by shard, then by replica
	ZooKeeper *zookeeper.Server // nil with Config.NoReplication
}

// member is what makes a server a node.
type member struct {
	xml string // of config.d/cluster.xml
}

// StartCluster starts shards x replicas servers and their ZooKeeper, each in a folder of its own under config.Dir. Close ends them. The
// error wraps engines.ErrMissing or zookeeper.ErrMissing where something is not installed.
func StartCluster(ctx context.Context, config Config, shards, replicas int) (*Cluster, error) {
	if err := config.setDefaults(); err != nil {
		return nil, err
	}
	c := &Cluster{}
	if !config.NoReplication {
		if _, err := zookeeper.Find(); err != nil {
			return nil, err
		}
	}
	if err := c.prepare(ctx, config, shards, replicas); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if !config.NoReplication {
		var err error
		if c.ZooKeeper, err = zookeeper.Start(ctx, filepath.Join(config.Dir, "zookeeper")); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	c.writePeers()
	if err := c.each(func(s *Server) error { return s.start(ctx) }); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// prepare reserves the ports of all nodes: each of them has to know all.
func (c *Cluster) prepare(ctx context.Context, config Config, shards, replicas int) error {
	for shard := range shards {
		c.Nodes = append(c.Nodes, nil)
		for replica := range replicas {
			node := config
			node.Dir = filepath.Join(config.Dir, fmt.Sprintf("node-%d-%d", shard+1, replica+1))
			s, err := prepare(ctx, node, &member{})
			if err != nil {
				return err
			}
			c.Nodes[shard] = append(c.Nodes[shard], s)
		}
	}
	return nil
}

// writePeers writes to each node's configuration who the others are.
func (c *Cluster) writePeers() {
	var servers strings.Builder
	for _, shard := range c.Nodes {
		servers.WriteString("<shard><internal_replication>true</internal_replication>")
		for _, s := range shard {
			fmt.Fprintf(&servers, "<replica><host>127.0.0.1</host><port>%s</port></replica>", portOf(s.Native))
		}
		servers.WriteString("</shard>")
	}
	replication := ""
	if c.ZooKeeper != nil {
		addr := netip.MustParseAddrPort(c.ZooKeeper.Addr)
		replication = fmt.Sprintf("<zookeeper><node><host>%s</host><port>%d</port></node><session_timeout_ms>4000</session_timeout_ms></zookeeper>"+
			"<distributed_ddl><path>%s</path></distributed_ddl>", addr.Addr(), addr.Port(), ddlQueue)
	}
	for i, shard := range c.Nodes {
		for j, s := range shard {
			s.member.xml = replication + fmt.Sprintf("<listen_host>127.0.0.1</listen_host><listen_host>%s</listen_host>"+
				"<macros><cluster>%s</cluster><shard>%d</shard><replica>r%d</replica></macros>"+
				"<remote_servers><%s><secret>%s</secret>%s</%s></remote_servers>",
				interserverHost, ClusterName, i+1, j+1, ClusterName, clusterSecret, servers.String(), ClusterName)
		}
	}
}

// each does something with all nodes at a time.
func (c *Cluster) each(do func(*Server) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, shard := range c.Nodes {
		for _, s := range shard {
			wg.Go(func() {
				if err := do(s); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Close kills the nodes, then ZooKeeper, and gives the ports back. The data stays.
func (c *Cluster) Close() error {
	err := c.each((*Server).Close)
	if c.ZooKeeper != nil {
		err = errors.Join(err, c.ZooKeeper.Close())
	}
	return err
}

// reserveTwin reserves a port that is free at both of a node's addresses.
func reserveTwin(ctx context.Context) (client, interserver *port.Reservation, err error) {
	other := netip.MustParseAddr(interserverHost)
	for range portTries {
		if client, err = port.Reserve(ctx, loopback); err != nil {
			return nil, nil, err
		}
		if interserver, err = port.Reserve(ctx, netip.AddrPortFrom(other, client.Addr().Port())); err == nil {
			return client, interserver, nil
		}
		err = errors.Join(err, client.Close())
	}
	return nil, nil, fmt.Errorf("no port is free at both 127.0.0.1 and %s: %w", interserverHost, err)
}
