package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
)

// oneServer is the [serverWatcher] and [poll.MultiServer] of a log behind an address that is taken to lead to one server, and notices where it leads to several.
type oneServer struct {
	*logTable
	host     source.Host
	storeKey string // of the server that has answered last

	changedAt time.Time // when another server has answered than before
	changed   error     // says so
}

func (r *clickhouseSource) runOneServer(ctx context.Context, host source.Host) error {
	self := r.newSelfLogins(host)
	c, err := r.newConnection(ctx, r.cfg, self)
	if err != nil {
		return err
	}
	defer c.closeConnection()
	o := &oneServer{logTable: r.newTable(r.cfg, c, r.newTracer(host, ""), host.Log), host: host, storeKey: "server/" + r.instance + "/" + r.cfg.Table}
	if err := r.prepareBeside(ctx, o.logTable, self, ""); err != nil {
		return err
	}
	defer o.closeBeside()
	if r.tableName.Database == "system" { // a table of one's own may hold the same rows on every server
		c.watch = o
	}
	return r.pollTable(ctx, r.cfg, o, host)
}

func (o *oneServer) serverChanged(ctx context.Context, before, server string) error {
	if before == "" {
		stored, err := o.host.Store.Get(ctx, o.storeKey)
		if err != nil {
			return err
		}
		before = string(stored)
	}
	if before == server {
		return nil
	}
	if before != "" {
		o.changedAt, o.changed = o.host.Now(), &severalServersError{before, server}
	}
	return o.host.Store.Set(ctx, o.storeKey, []byte(server))
}

func (o *oneServer) unreachable() {}

// changeCounts is for how long after a change rows may be missing because the servers have different ones.
const changeCounts = time.Hour

func (o *oneServer) ServersVary() error {
	if o.changed != nil && o.host.Now().Sub(o.changedAt) >= changeCounts {
		o.changed = nil
	}
	return o.changed
}

// severalServersError says that one address leads to several servers.
type severalServersError struct{ before, after string }

func (e *severalServersError) Error() string {
	return fmt.Sprintf("endpoints: answers come from more than one server (serverUUID %s, then %s), and each keeps a session_log of its own: "+
		"behind a load balancer, as of ClickHouse Cloud, write all_replicas: with the cluster's name (Cloud's is default); "+
		"where each server has an address of its own, write cluster: with that name; a server that was replaced by another one needs nothing, "+
		"and this message ends by itself within an hour", e.before, e.after)
}
