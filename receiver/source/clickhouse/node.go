package clickhouse

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// node is one server of a cluster.
type node struct {
	*cluster
	door  string // endpoint
	share int    // among how many nodes memory is shared out
	twin  string // UUID of the server that this was another name of when it was looked at last

	said   string // the last trouble
	saidAt time.Time
}

// run reads the node until ctx ends, or until it has left the cluster and cannot be reached.
func (n *node) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := n.read(ctx)
		if ctx.Err() != nil || errors.Is(err, errLeft) {
			return
		}
		n.trouble(err)
		if err == nil || time.Since(began) > time.Minute {
			failures = 0
		}
		poll.Wait(ctx, poll.Backoff(failures))
	}
}

var errLeft = errors.New("the node has left the cluster")

// read finds out who the node is, and reads it until it turns out to be somebody else.
func (n *node) read(ctx context.Context) error {
	cfg := n.cfg.forNode(n.door, n.share)
	client, err := configclickhouse.NewClient(ctx, cfg.ClientConfig)
	if err != nil {
		return err
	}
	log := n.host.Log.With(zap.String("node", n.door))
	t := &table{cfg: cfg, name: n.name, client: client, mapper: clickhouselog.NewMapper(n.instance), log: log}
	if t.own = n.ownLogins(n.host, "/"+n.door, n.own, client); t.own != nil {
		client.BeforeLogin = func(ctx context.Context, s configclickhouse.Socket) error {
			if err := t.own.opened(ctx, s); err != nil || n.twin == "" {
				return err
			}
			return n.own.take(ctx, t.own.using(n.twin)) // whoever reads the server may see the login before we know that it is there
		}
	}
	defer t.disconnect(ctx)
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var who identity
	t.greet = func(ctx context.Context, conn configclickhouse.Conn) error {
		id, err := readIdentity(ctx, conn)
		if err == nil && t.own != nil {
			err = t.own.leadsTo(ctx, id.uuid)
		}
		switch {
		case err != nil:
			return err
		case who.uuid == "":
			who = id
		case who.uuid != id.uuid:
			stop(errReplaced)
			return errReplaced
		}
		return nil
	}
	t.lost = func(error) {
		if n.leave(n) {
			stop(errLeft)
		}
	}
	if err := t.ask(ctx, func(configclickhouse.Conn) error { return nil }); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	ledger, release, taken, err := n.claim(ctx, who)
	if err != nil {
		return err
	}
	if taken != nil {
		return n.waitAsTwin(ctx, t, who, taken)
	}
	defer release()
	if err := n.noTwin(ctx, t.own, who); err != nil {
		return err
	}
	if err := n.rename(ctx, t, ledger); err != nil {
		return err
	}
	host := n.host
	t.traces = n.tracer(host, "/"+ledger)
	host.Log, host.Stats = log, n.report.stats(n.door)
	host.Status = func(err error) { n.report.say(n.door, err) }
	err = poll.Run(ctx, cfg.Config, t, host, session.SystemClickHouse, n.instance, n.cfg.Table, "node", ledger)
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

// waitAsTwin waits while the server is read under another name, until that ends or it is time to see whether this name leads to
// somebody else by now.
func (n *node) waitAsTwin(ctx context.Context, t *table, who identity, taken <-chan struct{}) error {
	n.report.same(n.door)
	n.twin = who.uuid
	t.disconnect(ctx)
	if t.own != nil {
		if err := n.own.take(ctx, t.own.to(who.uuid)); err != nil {
			return err
		}
	}
	again := time.NewTimer(n.cfg.ReconcileInterval)
	defer again.Stop()
	select {
	case <-taken:
	case <-again.C:
		if n.leave(n) {
			return errLeft
		}
	case <-ctx.Done():
	}
	return nil
}

// noTwin corrects what was foretold of the connection in use, when the name does not lead to the server that it was a twin's of.
func (n *node) noTwin(ctx context.Context, own *ownLogins, who identity) error {
	if n.twin == "" || own == nil {
		return nil
	}
	n.twin = ""
	return n.own.take(ctx, own.using(who.uuid))
}

// rename takes over what is known of own connections when the server had another name before.
func (n *node) rename(ctx context.Context, t *table, ledger string) error {
	if t.own == nil {
		return nil
	}
	key := "node/" + ledger
	before, err := n.host.Store.Get(ctx, key)
	if err != nil || string(before) == n.door {
		return err
	}
	if before != nil {
		if err := t.own.adopt(ctx, ownKey+"/"+string(before)); err != nil {
			return err
		}
	}
	return n.host.Store.Set(ctx, key, []byte(n.door))
}

// trouble tells of a node that cannot be read; of what package poll meets, that tells by itself.
func (n *node) trouble(err error) {
	if err == nil {
		return
	}
	n.report.say(n.door, err)
	if now := n.host.Now(); err.Error() != n.said || now.Sub(n.saidAt) >= time.Minute {
		n.said, n.saidAt = err.Error(), now
		n.host.Log.Warn("a node of the cluster is not read and will be tried again", zap.String("node", n.door), zap.String("error", n.said))
	}
}

const (
	// wholeBatches is how many nodes read with pages of full size at a time; more share out the memory of so many.
	wholeBatches = 4
	leastBatch   = 1024
)

// forNode is the configuration of one of so many nodes.
func (c Config) forNode(door string, nodes int) Config {
	c.Endpoints = []string{door}
	if nodes > wholeBatches {
		c.BatchSize = min(c.BatchSize, max(leastBatch, c.BatchSize*wholeBatches/nodes))
	}
	return c
}
