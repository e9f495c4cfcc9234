package sealing

import (
	"context"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
)

// ErasureLog has statements of what is to be erased, which are signed before it is.
type ErasureLog struct{ sideLog }

// OpenErasureLog reads the key; cfg is valid.
func OpenErasureLog(inner backend.Backend, cfg Config) (*ErasureLog, error) {
	log, err := openSideLog(inner, cfg, "forget")
	return &ErasureLog{log}, err
}

// State seals that these are to be erased, and why; they are not to be erased before it returns. Its backend is started.
func (l *ErasureLog) State(ctx context.Context, erased []seal.Entry, reason string) error {
	p := seal.NewPending(seal.NewSeed())
	for _, e := range erased {
		p.AddRecord(e)
	}
	for _, text := range l.about {
		p.AddStatement(text)
	}
	p.AddStatement(fmt.Sprintf("forgot %d: %s", len(erased), reason))
	if err := l.sealPending(ctx, p); err != nil {
		return err
	}
	return sleepUntil(ctx, time.Now().Truncate(time.Second).Add(time.Second))
}

// sleepUntil has a record that comes again after its erasure be sealed in a later second than the statement: signatures tell seconds.
func sleepUntil(ctx context.Context, moment time.Time) error {
	select {
	case <-time.After(time.Until(moment)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
