package clickhouse

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// node is one server of a cluster.
type node struct {
	*cluster
	door  string // endpoint
	share int    // among how many nodes memory is shared out
}

// run reads the node until ctx ends, or until it has left the cluster and cannot be reached.
func (n *node) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := n.read(ctx)
		if ctx.Err() != nil || errors.Is(err, errLeft) {
			return
		}
		if err != nil {
			n.report.notRead(n.door, err)
		}
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
	t := n.newTable(cfg, client, log, n.own)
	defer t.disconnect()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t.met = func(_ context.Context, server string) error {
		if t.server != "" && server != t.server {
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
	var who identity
	err = t.ask(ctx, func(conn configclickhouse.Conn) (err error) {
		if who, err = readIdentity(ctx, conn); err != nil {
			return err
		}
		return t.heard(ctx, who.uuid)
	})
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	ledger, release, taken, err := n.claim(ctx, who)
	if err != nil {
		return err
	}
	if taken != nil {
		return n.waitAsTwin(ctx, t, taken)
	}
	defer release()
	host := n.host
	t.traces = n.tracer(host, "/"+ledger)
	host.Log, host.Stats = log, n.report.stats(n.door)
	host.Status = func(err error) { n.report.say(n.door, err) }
	n.report.isRead(n.door)
	err = poll.Run(ctx, cfg.Config, t, host, session.SystemClickHouse, n.instance, n.cfg.Table, "node", ledger)
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

// waitAsTwin waits while the server is read under another name, until that ends or it is time to see whether this name leads to
// somebody else by now.
func (n *node) waitAsTwin(ctx context.Context, t *table, taken <-chan struct{}) error {
	n.report.same(n.door)
	t.disconnect()
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
