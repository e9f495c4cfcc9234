package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// oneServer is a log behind an address that is taken to lead to one server, and notices where it leads to several.
type oneServer struct {
	*table
	store source.Store
	key   string // under which the server is stored that has answered last
	now   func() time.Time

	changedAt time.Time // when another server has answered than before
	shifting  error     // says so
}

// changeCounts is for how long after a change rows may be missing because the servers have different ones.
const changeCounts = time.Hour

// meet is called with a server that has not given the last answer.
func (o *oneServer) meet(ctx context.Context, server string) error {
	before := o.server
	if before == "" {
		stored, err := o.store.Get(ctx, o.key)
		if err != nil {
			return err
		}
		before = string(stored)
	}
	if before == server {
		return nil
	}
	if before != "" {
		o.changedAt, o.shifting = o.now(), &severalServersError{before, server}
		if o.own != nil {
			o.own.readsSeveralServers()
		}
	}
	return o.store.Set(ctx, o.key, []byte(server))
}

// severalServersError says that one address leads to several servers.
type severalServersError struct{ before, after string }

func (e *severalServersError) Error() string {
	return fmt.Sprintf("endpoints: answers come from more than one server (serverUUID %s, then %s), and each keeps a session_log of its own: "+
		"behind a load balancer, as of ClickHouse Cloud, write all_replicas: with the cluster's name (Cloud's is default); "+
		"where each server has an address of its own, write cluster: with that name; a server that was replaced by another one needs nothing, "+
		"and this message ends by itself within an hour", e.before, e.after)
}

// Shifting implements [poll.Shifting].
func (o *oneServer) Shifting() error {
	if o.shifting != nil && o.now().Sub(o.changedAt) >= changeCounts {
		o.shifting = nil
	}
	return o.shifting
}
