package redshift

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// reader is the source.
type reader struct {
	cfg        Config
	instance   string
	candidates []string
}

// New makes the source of a valid configuration. instance is the stable name of the cluster or workgroup.
func New(cfg Config, instance string, set component.TelemetrySettings) (source.Source, error) {
	cfg.WarnOfPlaintext(set.Logger)
	candidates, err := cfg.candidates()
	if err != nil {
		return nil, err
	}
	return &reader{cfg: cfg, instance: instance, candidates: candidates}, nil
}

// Run implements [source.Source].
func (r *reader) Run(ctx context.Context, host source.Host) error {
	if host.Log == nil {
		host.Log = zap.NewNop()
	}
	t := &table{
		cfg: r.cfg, candidates: r.candidates, log: host.Log,
		block: newBlock(redshiftlog.NewMapper(r.instance), r.cfg.ExcludeInternal),
	}
	defer t.link.hangUp()
	return poll.Run(ctx, r.cfg.Config, t, host, session.SystemRedshift, r.instance, r.cfg.identity())
}
