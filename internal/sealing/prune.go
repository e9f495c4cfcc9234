package sealing

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

const (
	// pruneEvery is how often pages are looked for whose records have expired.
	pruneEvery = time.Hour
	// pruneMargin is how much longer than their records pages are kept: ttl of PostgreSQL and ClickHouse drops whole months.
	pruneMargin = 35 * 24 * time.Hour

	pruningFails = "pruning fails"
)

// pruneDue lets go of pages whose records have all expired, once an hour.
func (b *Backend) pruneDue(ctx context.Context, now time.Time) {
	if b.ttl == 0 || now.Sub(b.pruned) < pruneEvery {
		return
	}
	b.pruned = now
	if err := b.prune(ctx, now.Add(-b.ttl-pruneMargin)); err != nil {
		b.conditions.RaiseReason(pruningFails, err, "seals of expired records cannot be removed: their tables grow", zap.String("key", "seal"))
		return
	}
	b.conditions.Clear(pruningFails, "seals of expired records can be removed again", zap.String("key", "seal"))
}

// prune states what goes, under seal, before it does.
func (b *Backend) prune(ctx context.Context, oldest time.Time) error {
	end, err := b.endOfExpired(ctx, oldest.UnixNano())
	if err != nil || end == 0 {
		return err
	}
	b.mu.Lock()
	b.current.pending.AddStatement(fmt.Sprintf("pruned %d", end))
	b.current.pending.AddStatement(retentionText(b.ttl)) // the one before goes
	if b.state.Retired != "" {
		b.current.pending.AddStatement(retiredText(b.state.Retired))
	}
	b.mu.Unlock()
	if err := b.sealAll(ctx); err != nil {
		return err
	}
	return b.inner.PruneSeals(ctx, b.state.Log, end)
}

// endOfExpired is the first page behind those at the beginning of the log whose events are all older than a time; 0: there is nothing to let go of.
func (b *Backend) endOfExpired(ctx context.Context, oldest int64) (end uint64, err error) {
	store, err := b.openStore(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }()
	for s, err := range sealquery.Seals(ctx, store, b.state.Log, 0) {
		if err != nil {
			return 0, err
		}
		if s.HasPages && !isExpired(s.Manifest, oldest) {
			break
		}
		if s.HasPages && s.Entries > 0 { // statements alone are not worth a seal
			end = s.First + s.Pages
		}
	}
	return end, nil
}

func isExpired(manifest []byte, oldest int64) bool {
	for e, err := range seal.Entries(manifest) {
		if err != nil || e.Kind != seal.KindSeed && e.Kind != seal.KindStatement && e.Time >= oldest {
			return false
		}
	}
	return true
}
