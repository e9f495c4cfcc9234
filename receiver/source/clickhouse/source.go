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
	client, err := configclickhouse.NewClient(ctx, r.cfg.ClientConfig)
	if err != nil {
		return err
	}
	t := &table{cfg: r.cfg, name: r.name, client: client, mapper: clickhouselog.NewMapper(r.instance), log: host.Log}
	if r.cfg.ExcludeSelf {
		t.own = &ownLogins{store: host.Store, log: host.Log}
		client.BeforeLogin = t.own.opened
	}
	defer t.disconnect(ctx)
	return poll.Run(ctx, r.cfg.Config, t, host, session.SystemClickHouse, r.instance, r.cfg.Table)
}
