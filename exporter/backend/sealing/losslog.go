package sealing

import (
	"context"
	"errors"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
)

// LossLog has statements of heads that the table has lost, and that who has the key knows of.
type LossLog struct{ sideLog }

// OpenLossLog reads the key; cfg is valid.
func OpenLossLog(inner backend.Backend, cfg Config) (*LossLog, error) {
	log, err := openSideLog(inner, cfg, "acknowledge")
	return &LossLog{log}, err
}

// Acknowledge seals what was lost, and why.
func (l *LossLog) Acknowledge(ctx context.Context, store query.Store, losses []seal.Loss, reason string) error {
	if err := l.FindEnd(ctx, store); err != nil {
		return err
	}
	p := seal.NewPending(seal.NewSeed())
	for _, text := range l.about {
		p.AddStatement(text)
	}
	for _, loss := range losses {
		p.AddStatement("lost " + loss.Line() + ": " + reason)
	}
	if err := l.inner.Start(ctx); err != nil {
		return err
	}
	return errors.Join(l.sealPending(ctx, p), l.inner.Shutdown(ctx))
}
