package clickhouse

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// cluster reads all nodes of a cluster, each for itself: over connections of its own, with a ledger of its own. The
// configured endpoints are asked for the nodes only (docs/adr/0009).
type cluster struct {
	*reader
	host   source.Host
	own    *ownLogins // nil when own logins are not left out
	report *report

	nodes sync.WaitGroup

	mu     sync.Mutex
	listed map[string]bool  // endpoints of the nodes, as told last
	active map[string]*node // by endpoint
	claims map[string]*claim
}

// claim says that a server is being read, whatever endpoints lead to it.
type claim struct {
	hostname string
	released chan struct{}
}

func (r *reader) runCluster(ctx context.Context, host source.Host) error {
	client, err := configclickhouse.NewClient(ctx, r.cfg.ClientConfig)
	if err != nil {
		return err
	}
	r = r.fromOneTime(ctx, host)
	c := &cluster{
		reader: r, host: host, report: newReport(host),
		listed: map[string]bool{}, active: map[string]*node{}, claims: map[string]*claim{},
	}
	defer c.nodes.Wait()
	// A table serves as the connection that asks: it connects again, and knows its own logins.
	c.own = r.newOwnLogins(host)
	t := r.newTable(r.cfg, client, host.Log, c.own)
	t.name = tableName{"system", "clusters"}
	defer t.disconnect()
	c.look(ctx, t)
	return nil
}

// fromOneTime makes `initial: end` the time of the very first start, for all nodes: what a node that is found later has
// logged since is wanted.
func (r *reader) fromOneTime(ctx context.Context, host source.Host) *reader {
	if r.cfg.Initial != poll.InitialEnd {
		return r
	}
	from := *r
	for failures := 0; ctx.Err() == nil; failures++ {
		start, err := firstStart(ctx, host)
		if err == nil {
			from.cfg.Initial = start
			break
		}
		host.Status(err)
		poll.Wait(ctx, poll.Backoff(failures))
	}
	return &from
}

func firstStart(ctx context.Context, host source.Host) (string, error) {
	const key = "cluster/start"
	start, err := host.Store.Get(ctx, key)
	if err != nil || start != nil {
		return string(start), err
	}
	now := host.Now().UTC().Format(time.RFC3339Nano)
	return now, host.Store.Set(ctx, key, []byte(now))
}

// look asks for the nodes until ctx ends.
func (c *cluster) look(ctx context.Context, t *table) {
	for failures := 0; ctx.Err() == nil; {
		var members []member
		err := t.ask(ctx, func(conn configclickhouse.Conn) (err error) {
			var server string
			if members, server, err = readMembers(ctx, conn, "cluster", c.cfg.Cluster, c.cfg.Username); err != nil {
				return err
			}
			return t.heard(ctx, server)
		})
		if ctx.Err() != nil {
			return
		}
		c.report.ask(err)
		if err != nil { // the nodes known so far are read on
			poll.Wait(ctx, poll.Backoff(failures))
			failures++
			continue
		}
		failures = 0
		c.update(ctx, c.cfg.doors(members))
		poll.Wait(ctx, c.cfg.ReconcileInterval)
	}
}

// update starts what is new. What is no longer listed is read for as long as it can be reached: it may have logins left.
func (c *cluster) update(ctx context.Context, doors []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.listed)
	for _, door := range doors {
		c.listed[door] = true
	}
	c.report.await(doors)
	for _, door := range doors {
		if c.active[door] != nil {
			continue
		}
		c.host.Log.Info("reading a node of the cluster", zap.String("node", door))
		n := &node{cluster: c, door: door, share: max(len(doors), 1)}
		c.active[door] = n
		c.nodes.Go(func() { n.run(ctx) })
	}
}

// leave tells whether a node that cannot be reached is to be given up, which it then is.
func (c *cluster) leave(n *node) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listed[n.door] {
		return false
	}
	delete(c.active, n.door)
	c.report.forget(n.door)
	return true
}

// claim makes sure that a server with two names is read once. It returns the name of its ledger and what releases it, or a
// channel that closes when whoever reads it has stopped. Of servers with one UUID, all but the first have its host's name in their
// ledger's for ever: which of them answers first differs from start to start.
func (c *cluster) claim(ctx context.Context, id identity) (ledger string, release func(), taken <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ledger = id.uuid
	clone := ledger + "@" + id.hostname
	known, err := c.host.Store.Get(ctx, "clone/"+clone)
	if err != nil {
		return "", nil, nil, err
	}
	if held := c.claims[ledger]; known != nil || held != nil && held.hostname != id.hostname {
		ledger = clone
		if known == nil {
			if err := c.host.Store.Set(ctx, "clone/"+clone, []byte{1}); err != nil {
				return "", nil, nil, err
			}
		}
	}
	if held := c.claims[ledger]; held != nil {
		return "", nil, held.released, nil
	}
	held := &claim{hostname: id.hostname, released: make(chan struct{})}
	c.claims[ledger] = held
	return ledger, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.claims, ledger)
		close(held.released)
	}, nil, nil
}

var errReplaced = errors.New("another server answers under the node's name: it is read as a new one")
