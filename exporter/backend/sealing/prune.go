package sealing

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
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
	store, err := b.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	kept, err := b.retentionTexts(ctx, store)
	if err != nil {
		return err
	}
	b.restateRetention(kept)
	end, ahead, err := b.endOfExpired(ctx, store, oldest.UnixNano())
	if err != nil || end == 0 {
		return err
	}
	carried, err := compareStored(ctx, store, ahead, seal.NewCommitter(b.current.seed)) // another epoch begins in this goroutine alone
	if err != nil || !areAllStored(ahead, carried) {
		return err
	}
	b.mu.Lock()
	for i := range carried {
		b.takeStored(b.current, &carried[i].Entry)
	}
	b.current.pending.AddStatement(fmt.Sprintf("pruned %d", end))
	for _, text := range append(kept, b.rotationTexts()...) { // those before go
		b.current.pending.AddStatement(text)
	}
	b.mu.Unlock()
	b.state.Pruned = end
	if err := b.sealAll(ctx); err != nil {
		return err
	}
	return b.inner.PruneSeals(ctx, b.state.Log, end)
}

const nameTableEvery = 24 * time.Hour

// restateRetention states the retention again once another log has begun, and each day: other collectors let go of the heads that were named.
func (b *Backend) restateRetention(kept []string) {
	if len(kept) == b.namedLogs && time.Since(b.namedAt) < nameTableEvery {
		return
	}
	b.namedLogs, b.namedAt = len(kept), time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range kept {
		b.current.pending.AddStatement(text)
	}
}

// mostAhead is how many records may be sealed anew, so that they hold no others' seals.
const mostAhead = 4096

// areAllStored reports whether all are there as they were given. Else their seals stay, as evidence of what was changed or removed.
func areAllStored(asked map[session.ID][]unconfirmedVersion, found []confirmedEntry) bool {
	left := 0
	for _, all := range asked {
		left += len(all)
	}
	for i := range found {
		left -= len(found[i].of)
	}
	return left == 0
}

// endOfExpired is the first page after those at the beginning of the log whose events are all older than a time, or dated ahead: these are given too. 0: there is
// nothing to let go of.
func (b *Backend) endOfExpired(ctx context.Context, store query.Store, oldest int64) (end uint64, ahead map[session.ID][]unconfirmedVersion, err error) {
	ahead = map[session.ID][]unconfirmedVersion{}
	keys, tip := b.formerKeys(), seal.Tip{}
	for s, err := range sealquery.Seals(ctx, store, b.state.Log, 0) {
		if err != nil {
			return 0, nil, err
		}
		before := tip
		tip = seal.Tip{Size: s.First + s.Pages, Edge: s.Edge}
		if tip.Size <= b.state.Pruned { // what a server has still to delete of it may be there in part
			continue
		}
		if _, err := s.Check(before, keys); err != nil && end == 0 {
			return 0, nil, fmt.Errorf("pages %d to %d of the log %s are not as this collector has signed them, so they stay, as evidence: ask `sessionlog verify`: %w", s.First, tip.Size-1, s.Log, err)
		} else if err != nil {
			break
		}
		some, isExpired := splitExpired(s.Manifest, oldest, time.Now().UnixNano())
		if !isExpired || len(ahead)+len(some) > mostAhead {
			break
		}
		for _, e := range some {
			ahead[e.ID] = append(ahead[e.ID], unconfirmedVersion{s.Seed, e.Hash})
		}
		if s.Entries > 0 { // statements alone are not worth a seal
			end = s.First + s.Pages
		}
	}
	return end, ahead, nil
}

// formerKeys verify what this log has of the collector.
func (b *Backend) formerKeys() seal.Keys {
	keys := b.key.Keys()
	for _, public := range append(slices.Clone(b.state.Former), b.state.Retired) {
		if before, err := seal.ParseKeys(public); err == nil {
			keys = append(keys, before...)
		}
	}
	return keys
}

// splitExpired gives the entries of events in the future, and whether all others are older than a time.
func splitExpired(manifest []byte, oldest, now int64) (ahead []seal.Entry, isExpired bool) {
	for e, err := range seal.Entries(manifest) {
		switch {
		case err != nil:
			return nil, false
		case !e.Kind.IsRecord():
		case e.Time > now:
			ahead = append(ahead, e)
		case e.Time >= oldest:
			return nil, false
		}
	}
	return ahead, true
}
