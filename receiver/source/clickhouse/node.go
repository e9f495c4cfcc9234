package clickhouse

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// nodeReader reads one server of a cluster.
type nodeReader struct {
	*clusterReader
	endpoint string
	cfg      Config
	log      *zap.Logger
}

var (
	errLeft     = errors.New("the node has left the cluster")
	errReplaced = errors.New("another server answers under the node's name: it is read as a new one")
)

func (n *nodeReader) keepReading(ctx context.Context) {
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		began := time.Now()
		err := n.readServer(ctx)
		if ctx.Err() != nil || errors.Is(err, errLeft) {
			return
		}
		if err != nil {
			n.status.SetUnread(n.endpoint, err)
		}
		if err == nil || time.Since(began) > time.Minute {
			pauses.Reset()
		}
		source.Wait(ctx, pauses.NextBackOff())
	}
}

// nodeWatcher stops the reading of a node that turns out to be somebody else, or cannot be reached and has left the cluster.
type nodeWatcher struct {
	node *nodeReader
	stop context.CancelCauseFunc
}

func (w nodeWatcher) serverChanged(_ context.Context, before, _ string) error {
	if before == "" {
		return nil
	}
	w.stop(errReplaced)
	return errReplaced
}

func (w nodeWatcher) unreachable() {
	if w.node.giveUpIfUnlisted(w.node.endpoint) {
		w.stop(errLeft)
	}
}

// readServer finds out which server the node is, and reads it until its watcher stops that.
func (n *nodeReader) readServer(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	c, err := n.newConnection(ctx, n.cfg, n.self)
	if err != nil {
		return err
	}
	defer c.closeConnection()
	c.watch = nodeWatcher{n, stop}
	id, err := c.readIdentity(ctx)
	if err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	if c.self != nil {
		c.self.server = id.UUID
	}
	claim, taken, err := n.claims.Take(ctx, id)
	if err != nil {
		return err
	}
	if claim == nil {
		c.closeConnection()
		return n.waitAsDuplicate(ctx, taken)
	}
	defer claim.Release()
	host := n.host
	host.Log, host.Stats = n.log, n.status.Stats(n.endpoint)
	host.Status = func(err error) { n.status.Set(n.endpoint, err) }
	n.status.SetRead(n.endpoint)
	t := n.newTable(n.cfg, c, n.newTracer(n.host, "/"+claim.StateID), n.log)
	if err := n.prepareBeside(ctx, t, n.self, id.UUID); err != nil {
		return err
	}
	defer t.closeBeside()
	err = n.pollTable(ctx, n.cfg, t, host, "node", claim.StateID)
	if cause := context.Cause(ctx); err == nil && cause != nil {
		err = cause
	}
	return err
}

func (n *nodeReader) waitAsDuplicate(ctx context.Context, taken <-chan struct{}) error {
	n.status.SetDuplicate(n.endpoint)
	again := time.NewTimer(n.cfg.ReconcileInterval)
	defer again.Stop()
	select {
	case <-taken:
	// It is time to see whether this name leads to another server by now.
	case <-again.C:
		if n.giveUpIfUnlisted(n.endpoint) {
			return errLeft
		}
	case <-ctx.Done():
	}
	return nil
}
