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
	if r.cfg.Cluster != "" {
		return r.runCluster(ctx, host)
	}
	client, err := configclickhouse.NewClient(ctx, r.cfg.ClientConfig)
	if err != nil {
		return err
	}
	t := &table{cfg: r.cfg, name: r.name, client: client, mapper: clickhouselog.NewMapper(r.instance), log: host.Log}
	t.own, t.traces = r.ownLogins(host, "", nil, client), r.tracer(host, "")
	defer t.disconnect(ctx)
	return poll.Run(ctx, r.cfg.Config, t, host, session.SystemClickHouse, r.instance, r.cfg.Table)
}

// ownLogins makes the client's connections known, so that their rows can be left out; nil where that is not wanted. They are
// stored apart by suffix.
func (r *reader) ownLogins(host source.Host, suffix string, others *ownLogins, client *configclickhouse.Client) *ownLogins {
	if !r.cfg.ExcludeSelf {
		return nil
	}
	o := &ownLogins{store: host.Store, key: ownKey + suffix, log: host.Log, others: others}
	client.BeforeLogin = o.opened
	return o
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
