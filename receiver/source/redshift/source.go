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

type redshiftSource struct {
	cfg        Config
	instance   string
	candidates []string
}

// New makes the source from a valid configuration. instance is the stable name of the cluster or workgroup.
func New(cfg Config, instance string, set component.TelemetrySettings) (source.Source, error) {
	cfg.WarnOfPlaintext(set.Logger)
	candidates, err := cfg.candidateTables()
	if err != nil {
		return nil, err
	}
	return &redshiftSource{cfg: cfg, instance: instance, candidates: candidates}, nil
}

func (r *redshiftSource) Run(ctx context.Context, host source.Host) error {
	if host.Log == nil {
		host.Log = zap.NewNop()
	}
	t := &logTable{
		cfg: r.cfg, candidates: r.candidates, log: host.Log,
		rows: newRowBuffer(redshiftlog.NewMapper(r.instance), r.cfg.ExcludeInternal),
	}
	defer t.connection.closeConnection()
	return poll.Run(ctx, r.cfg.Config, t, host, session.SystemRedshift, r.instance, r.cfg.cursorIdentity())
}
