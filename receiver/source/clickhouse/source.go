package clickhouse

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/clickhouselog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// reader is the source.
type reader struct {
	cfg      Config
	instance string
	name     tableName
}

// New makes the source of a valid configuration. instance is the stable name of the server or cluster.
func New(cfg Config, instance string, _ component.TelemetrySettings) (source.Source, error) {
	name, err := parseTable(cfg.Table)
	if err != nil {
		return nil, err
	}
	return &reader{cfg: cfg, instance: instance, name: name}, nil
}

// Run implements [source.Source].
func (r *reader) Run(ctx context.Context, host source.Host) error {
	if host.Log == nil {
		host.Log = zap.NewNop()
	}
	r.cfg.WarnOfPlaintext(host.Log)
	switch {
	case r.cfg.Cluster != "":
		return r.runCluster(ctx, host)
	case r.cfg.AllReplicas != "":
		return r.runReplicas(ctx, host)
	}
	client, err := configclickhouse.NewClient(ctx, r.cfg.ClientConfig)
	if err != nil {
		return err
	}
	t := &oneServer{table: r.newTable(r.cfg, client, host.Log, r.newOwnLogins(host)), store: host.Store, now: host.Now, key: "server/" + r.instance + "/" + r.cfg.Table}
	t.traces = r.tracer(host, "")
	if r.name.database == "system" { // a table of one's own may hold the same rows on every server
		t.met = t.meet
	}
	defer t.disconnect()
	return poll.Run(ctx, r.cfg.Config, t, host, session.SystemClickHouse, r.instance, r.cfg.Table)
}

// newTable makes the log as it is read through one client, whose logins are made known to own.
func (r *reader) newTable(cfg Config, client *configclickhouse.Client, log *zap.Logger, own *ownLogins) *table {
	t := &table{cfg: cfg, name: r.name, client: client, mapper: clickhouselog.NewMapper(r.instance), log: log}
	if own != nil {
		t.own = &ownConn{ownLogins: own}
		client.LoginTag = t.own.login
	}
	return t
}

// newOwnLogins is nil where own logins are not left out.
func (r *reader) newOwnLogins(host source.Host) *ownLogins {
	if !r.cfg.ExcludeSelf {
		return nil
	}
	return newOwnLogins(r.cfg, host)
}

// tracer finds the traces of logins; nil where that is not wanted. What it remembers is stored apart by suffix.
func (r *reader) tracer(host source.Host, suffix string) *tracer {
	if !r.cfg.TraceCorrelation.Enabled {
		return nil
	}
	t := &tracer{back: r.cfg.ReconcileWindow, grace: r.cfg.Overlap, store: host.Store, key: "traces/" + r.instance + "/" + r.cfg.Table + suffix}
	t.stats, _ = host.Stats.(TraceStats)
	return t
}
