package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// replicas reads all servers of a cluster through one address: whichever of them answers asks the others. Each has a delivery log
// of its own, the same one that it has with cluster.
type replicas struct {
	*cluster

	mu     sync.Mutex // of the one connection
	table  *table
	answer map[sumsQuestion]sumsOfAll
	absent chan struct{} // has something in it when a server was missing from an answer

	active map[identity]context.CancelFunc
}

// sumsQuestion is what was asked of all servers at once; each of them looks its own part up in the answer.
type sumsQuestion struct {
	within poll.Range
	width  int64
}

type sumsOfAll struct {
	at   time.Time
	sums map[identity][]poll.Sum
}

func (r *reader) runReplicas(ctx context.Context, host source.Host) error {
	client, err := configclickhouse.NewClient(ctx, r.cfg.ClientConfig)
	if err != nil {
		return err
	}
	r = r.fromOneTime(ctx, host)
	c := &cluster{reader: r, host: host, report: newReport(host), claims: map[string]*claim{}, own: r.newOwnLogins(host)}
	all := &replicas{
		cluster: c, table: r.newTable(r.cfg, client, host.Log, c.own), answer: map[sumsQuestion]sumsOfAll{},
		absent: make(chan struct{}, 1), active: map[identity]context.CancelFunc{},
	}
	defer func() {
		c.nodes.Wait()
		all.table.disconnect()
	}()
	all.look(ctx)
	return nil
}

// look asks which servers there are until ctx ends: at every reconcile interval, and when one was missing from an answer.
func (a *replicas) look(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		ids, listed, err := a.members(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			a.update(ctx, ids)
			if len(ids) < listed {
				err = fmt.Errorf("all_replicas: %d of the %d servers of cluster %s do not answer: their logins come when they do", listed-len(ids), listed, a.cfg.AllReplicas)
			}
		}
		a.report.ask(err)
		pause := a.cfg.ReconcileInterval
		if err != nil {
			pause = min(pause, poll.Backoff(failures))
			failures++
		} else {
			failures = 0
		}
		select {
		case <-a.absent:
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// members are the servers that answer, and how many there ought to be.
func (a *replicas) members(ctx context.Context) (ids []identity, listed int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	err = a.table.ask(ctx, func(conn configclickhouse.Conn) (err error) {
		members, server, err := readMembers(ctx, conn, "all_replicas", a.cfg.AllReplicas, a.cfg.Username)
		if err != nil {
			return err
		}
		if err := a.table.heard(ctx, server); err != nil {
			return err
		}
		listed = len(members)
		ids, server, err = readIdentities(ctx, conn, "SELECT u, h, "+serverSQL+" AS s FROM (SELECT * FROM "+
			everywhere(a.cfg.AllReplicas, "SELECT "+serverSQL+" AS u, toLowCardinality(hostName()) AS h")+")"+withoutAbsent)
		if err != nil {
			return err
		}
		return a.table.heard(ctx, server)
	})
	slices.SortFunc(ids, func(x, y identity) int { return strings.Compare(x.uuid+x.hostname, y.uuid+y.hostname) })
	return slices.Compact(ids), listed, err
}

// update starts what is new and stops what is gone.
func (a *replicas) update(ctx context.Context, ids []identity) {
	for id, stop := range a.active {
		if !slices.Contains(ids, id) {
			stop()
			delete(a.active, id)
		}
	}
	for _, id := range ids {
		if a.active[id] != nil {
			continue
		}
		one, stop := context.WithCancel(ctx)
		a.active[id] = stop
		a.report.await([]string{id.String()})
		a.nodes.Go(func() {
			defer stop()
			defer a.report.forget(id.String())
			a.read(one, id)
		})
	}
}

func (i identity) String() string { return i.hostname + " (" + i.uuid + ")" }

// read reads one server until ctx ends.
func (a *replicas) read(ctx context.Context, id identity) {
	for failures := 0; ctx.Err() == nil; failures++ {
		log, release, taken, err := a.claim(ctx, id)
		switch {
		case err != nil:
			a.report.say(id.String(), err)
			poll.Wait(ctx, poll.Backoff(failures))
			continue
		case taken != nil: // is being stopped
			select {
			case <-taken:
			case <-ctx.Done():
			}
			continue
		}
		host := a.host
		host.Log, host.Stats = host.Log.With(zap.Stringer("server", id)), a.report.stats(id.String())
		host.Status = func(err error) { a.report.say(id.String(), err) }
		_ = poll.Run(ctx, a.cfg.Config, &replica{a, id}, host, session.SystemClickHouse, a.instance, a.cfg.Table, "node", log)
		release()
	}
}

// replica is the log of one server as package poll sees it.
type replica struct {
	*replicas
	id identity
}

var errAbsent = errors.New("the server does not answer the one that was asked for its log")

const absentWait = time.Second

// Now implements [poll.Table].
func (r *replica) Now(ctx context.Context) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.Now(ctx)
}

// Sums implements [poll.Table]. All servers are asked at once, and each answer serves the polls of one interval.
func (r *replica) Sums(ctx context.Context, within poll.Range, width int64, yield func(poll.Sum)) error {
	mine, err := r.ofAll(ctx, within, width)
	for _, s := range mine {
		yield(s)
	}
	if errors.Is(err, errAbsent) {
		select {
		case r.absent <- struct{}{}:
		default:
		}
		poll.Wait(ctx, absentWait) // one that has left the cluster is not read any more by then
	}
	return err
}

// ofAll are this server's sums.
func (r *replica) ofAll(ctx context.Context, within poll.Range, width int64) ([]poll.Sum, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	question := sumsQuestion{within, width}
	all, known := r.answer[question]
	if !known || r.host.Now().Sub(all.at) >= r.cfg.CollectionInterval {
		sums, err := r.table.sums(ctx, within, width)
		if err != nil {
			return nil, err
		}
		if len(r.answer) > 8 {
			clear(r.answer)
		}
		all = sumsOfAll{r.host.Now(), sums}
		r.answer[question] = all
	}
	mine, known := all.sums[r.id]
	if !known {
		delete(r.answer, question)
		return nil, errAbsent
	}
	return mine, nil
}

// Read implements [poll.Table].
func (r *replica) Read(ctx context.Context, within poll.Range, yield func(poll.Rows) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.node = r.id
	return r.table.Read(ctx, within, yield)
}

// Refresh implements [poll.Table].
func (r *replica) Refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.answer)
	r.table.Refresh()
}

// withoutAbsent has a query pass over servers that cannot be reached: they are missing from its answer.
const withoutAbsent = " SETTINGS skip_unavailable_shards = 1"

// everywhere is what stands behind FROM to have each server of a cluster run a query.
func everywhere(cluster, query string) string {
	return "clusterAllReplicas(" + configclickhouse.QuoteText(cluster) + ", view(" + query + "))"
}

func (l *layout) everywhere(query string) string { return everywhere(l.cluster, query) }

// readReplicasLayout asks all servers which columns their logs have. What one of them lacks, as while they are being upgraded, is not
// asked for.
func readReplicasLayout(ctx context.Context, conn configclickhouse.Conn, table tableName, cfg Config) (l *layout, server string, err error) {
	of := "SELECT DISTINCT name, type, toString(serverUUID()) || hostName() AS node FROM system.columns WHERE database = " + configclickhouse.QuoteText(table.database) +
		" AND match(table, " + configclickhouse.QuoteText(table.pattern()) + ")"
	sql := "SELECT name, any(type) AS type, uniqExact(node) AS n, " + serverSQL + " AS u FROM (SELECT * FROM " + everywhere(cfg.AllReplicas, of) + ") GROUP BY name" + withoutAbsent
	asked := newDictionary()
	var names, kinds proto.ColStr
	var nodes proto.ColUInt64
	most := uint64(0)
	columns, on := map[string]string{}, map[string]uint64{}
	err = conn.Query(ctx, "", sql, proto.Results{
		{Name: "name", Data: &names}, {Name: "type", Data: &kinds}, {Name: "n", Data: &nodes}, {Name: "u", Data: asked},
	}, func(rows int) (err error) {
		server, err = asked.first()
		for i := range rows {
			columns[names.Row(i)], on[names.Row(i)] = kinds.Row(i), nodes[i]
			most = max(most, nodes[i])
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if most == 0 {
		return nil, "", explainAbsence(ctx, conn, table, cfg)
	}
	for name, n := range on {
		if n < most {
			delete(columns, name)
		}
	}
	merged := "merge(" + configclickhouse.QuoteText(table.database) + ", " + configclickhouse.QuoteText(table.pattern()) + ")"
	l, err = newLayout(map[string]part{table.table: {name: table, columns: columns, merged: merged}})
	if err != nil {
		return nil, "", err
	}
	l.cluster = cfg.AllReplicas
	return l, server, nil
}
