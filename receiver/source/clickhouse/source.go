package clickhouse

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/rows"
	"github.com/otel-sessionlog/sessionlog/receiver/source/clickhouse/internal/traces"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// clickhouseSource is the source.
type clickhouseSource struct {
	cfg       Config
	instance  string
	tableName rows.TableName
}

// New makes the source of a valid configuration. instance is the stable name of the server or cluster.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	table, err := rows.ParseTableName(cfg.Table)
	if err != nil {
		return nil, err
	}
	return &clickhouseSource{cfg: cfg, instance: instance, tableName: table}, nil
}

func (r *clickhouseSource) Run(ctx context.Context, host source.Host) error {
	if host.Log == nil {
		host.Log = zap.NewNop()
	}
	r.cfg.WarnOfPlaintext(host.Log)
	if r.cfg.Initial == source.InitialEnd && (r.cfg.Cluster != "" || r.cfg.AllReplicas != "") {
		r = r.fromFirstStart(ctx, host)
	}
	switch {
	case r.cfg.Cluster != "":
		return r.runCluster(ctx, host)
	case r.cfg.AllReplicas != "":
		return r.runReplicas(ctx, host)
	}
	return r.runOneServer(ctx, host)
}

// pollTable reads a table until ctx ends. What is stored of several servers is kept apart by stateID.
func (r *clickhouseSource) pollTable(ctx context.Context, cfg Config, t poll.Table, host source.Host, stateID ...string) error {
	return poll.Run(ctx, cfg.Config, t, host, append([]string{session.SystemClickHouse, r.instance, r.cfg.Table}, stateID...)...)
}

// newSelfLogins is nil where own logins are not left out.
func (r *clickhouseSource) newSelfLogins(host source.Host) *selfLogins {
	if !r.cfg.ExcludeSelf {
		return nil
	}
	return newSelfLogins(r.cfg, host)
}

// newTracer is nil where logins are not tied to traces. What it remembers is stored apart by suffix.
func (r *clickhouseSource) newTracer(host source.Host, suffix string) *traces.Tracer {
	if !r.cfg.TraceCorrelation.Enabled {
		return nil
	}
	options := traces.Options{
		SessionAge: r.cfg.ReconcileWindow, LogDelay: r.cfg.Overlap, Username: r.cfg.Username,
		Store: host.Store, StoreKey: "traces/" + r.instance + "/" + r.cfg.Table + suffix,
	}
	if stats, ok := host.Stats.(TraceStats); ok {
		options.Count = stats.Correlated
	}
	return traces.New(options)
}

func (r *clickhouseSource) fromFirstStart(ctx context.Context, host source.Host) *clickhouseSource {
	from := *r
	pauses := source.NewBackOff()
	for ctx.Err() == nil {
		start, err := firstStart(ctx, host)
		// `initial: end` is the time of the very first start, for all nodes: what a node that is found later has logged since is wanted.
		if err == nil {
			from.cfg.Initial = start
			break
		}
		host.Status(err)
		source.Wait(ctx, pauses.NextBackOff())
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
	err = host.Store.Set(ctx, key, []byte(now))
	if err != nil {
		err = source.ExplainUnsavedStart(err)
	}
	return now, err
}
