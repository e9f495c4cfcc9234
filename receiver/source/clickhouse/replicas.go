package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// replicasReader reads all servers of a cluster through one address: whichever of them answers asks the others. Each has a delivery
// log of its own, the same one that it has with cluster.
type replicasReader struct {
	*clusterReader
	stopRead map[rows.Identity]context.CancelFunc // of the servers that are read
	absent   chan struct{}                        // has something in it when a server was missing from an answer

	mu    sync.Mutex // of the one connection
	table *logTable
	sums  map[sumsQuestion]sumsAnswer
}

// sumsQuestion is what was asked of all servers at once; each of them looks its own part up in the answer.
type sumsQuestion struct {
	within poll.TimeRange
	width  int64
}

type sumsAnswer struct {
	at       time.Time
	byServer map[rows.Identity][]poll.Sum
}

func (r *clickhouseSource) runReplicas(ctx context.Context, host source.Host) error {
	all := &replicasReader{
		clusterReader: r.newClusterReader(host), stopRead: map[rows.Identity]context.CancelFunc{},
		absent: make(chan struct{}, 1), sums: map[sumsQuestion]sumsAnswer{},
	}
	c, err := r.newConnection(ctx, r.cfg, all.self)
	if err != nil {
		return err
	}
	defer c.closeConnection()
	defer all.nodes.Wait()
	all.table = r.newTable(r.cfg, c, nil, host.Log)
	all.askForServers(ctx, all.absent, func() error {
		ids, listed, err := all.readServers(ctx)
		if err != nil {
			return err
		}
		all.setServers(ctx, ids)
		if len(ids) < listed {
			return fmt.Errorf("all_replicas: %d of the %d servers of cluster %s do not answer: their logins come when they do", listed-len(ids), listed, r.cfg.AllReplicas)
		}
		return nil
	})
	return nil
}

func (a *replicasReader) readServers(ctx context.Context) (ids []rows.Identity, listed int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	members, err := a.table.readMembers(ctx, "all_replicas", a.cfg.AllReplicas)
	if err != nil {
		return nil, 0, err
	}
	err = a.table.runQuery(ctx, func(conn configclickhouse.Conn) error {
		var server string
		ids, server, err = rows.ReadClusterIdentities(ctx, conn, a.cfg.AllReplicas)
		return a.table.noteAnswer(ctx, server, err)
	})
	return ids, len(members), err
}

func (a *replicasReader) setServers(ctx context.Context, ids []rows.Identity) {
	for id, stop := range a.stopRead {
		if !slices.Contains(ids, id) {
			stop()
			delete(a.stopRead, id)
		}
	}
	for _, id := range ids {
		if a.stopRead[id] != nil {
			continue
		}
		one, stop := context.WithCancel(ctx)
		a.stopRead[id] = stop
		a.status.Expect(id.String())
		a.nodes.Go(func() {
			defer stop()
			defer a.status.Forget(id.String())
			a.readServer(one, id)
		})
	}
}

// readServer reads one server until ctx ends.
func (a *replicasReader) readServer(ctx context.Context, id rows.Identity) {
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		claim, taken, err := a.claims.Take(ctx, id)
		switch {
		case err != nil:
			a.status.Set(id.String(), err)
			source.Wait(ctx, pauses.NextBackOff())
			continue
		case claim == nil: // is being stopped
			select {
			case <-taken:
			case <-ctx.Done():
			}
			continue
		}
		host := a.host
		host.Log, host.Stats = host.Log.With(zap.Stringer("server", id)), a.status.Stats(id.String())
		host.Status = func(err error) { a.status.Set(id.String(), err) }
		_ = a.pollTable(ctx, a.cfg, &replicaTable{a, id}, host, "node", claim.StateID)
		claim.Release()
	}
}

// replicaTable is the [poll.Table] of one server's log.
type replicaTable struct {
	*replicasReader
	id rows.Identity
}

var errAbsent = errors.New("the server does not answer the one that was asked for its log")

const absentWait = time.Second

func (r *replicaTable) Now(ctx context.Context) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.Now(ctx)
}

func (r *replicaTable) Sums(ctx context.Context, within poll.TimeRange, width int64, yield func(poll.Sum)) error {
	sums, err := r.readSums(ctx, within, width)
	for _, s := range sums {
		yield(s)
	}
	if errors.Is(err, errAbsent) {
		select {
		case r.absent <- struct{}{}:
		default:
		}
		source.Wait(ctx, absentWait) // one that has left the cluster is not read any more by then
	}
	return err
}

func (r *replicaTable) readSums(ctx context.Context, within poll.TimeRange, width int64) ([]poll.Sum, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	question := sumsQuestion{within, width}
	answer, known := r.sums[question]
	if !known || r.host.Now().Sub(answer.at) >= r.cfg.CollectionInterval {
		byServer, err := r.table.sumsByServer(ctx, within, width, rows.CountsAndHashes) // all servers at once, for the polls of one interval
		if err != nil {
			return nil, err
		}
		if len(r.sums) > 8 {
			clear(r.sums)
		}
		answer = sumsAnswer{r.host.Now(), byServer}
		r.sums[question] = answer
	}
	mine, known := answer.byServer[r.id]
	if !known {
		delete(r.sums, question)
		return nil, errAbsent
	}
	return mine, nil
}

func (r *replicaTable) Read(ctx context.Context, within poll.TimeRange, yield func(poll.Rows) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table.node = r.id
	return r.table.Read(ctx, within, yield)
}

func (r *replicaTable) Refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.sums)
	r.table.Refresh()
}
