package verify

import (
	"context"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	// mostUnsealed is how many rows without a seal may wait for it: a collector writes while it is verified.
	mostUnsealed = 100_000
	// lateInterval is between two looks for seals that were stored meanwhile.
	lateInterval = time.Second
)

// checkLateSeals holds rows that had no seal against the seals that came since.
func (v *verifier) checkLateSeals(ctx context.Context) error {
	begun := time.Now()
	for len(v.unsealed) > 0 {
		last := time.Since(begun) >= v.Patience
		entries, err := v.readLateSeals(ctx)
		if err != nil {
			return err
		}
		ids := v.unsealed
		v.unsealed = nil
		if err := v.compareLateRows(ctx, ids, entries, last); err != nil {
			return err
		}
		if len(v.unsealed) == 0 || last {
			return nil
		}
		select {
		case <-time.After(lateInterval):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (v *verifier) compareLateRows(ctx context.Context, ids []session.ID, entries map[session.ID][]sealedEntry, last bool) error {
	for e, err := range sealquery.Records(ctx, v.store, ids) {
		switch {
		case err != nil:
			return err
		case len(entries[e.RecordID]) > 0:
			v.compareRow(e, entries[e.RecordID], "session_events")
		case last:
			v.report(Finding{Kind: KindInserted, RecordID: e.RecordID, Table: "session_events", Time: time.Unix(0, e.Time).UTC()})
		default:
			v.unsealed = append(v.unsealed, e.RecordID)
		}
	}
	return nil
}

// readLateSeals goes on from where each log ended.
func (v *verifier) readLateSeals(ctx context.Context) (map[session.ID][]sealedEntry, error) {
	entries := map[session.ID][]sealedEntry{}
	for _, w := range v.walks {
		if !w.known {
			continue
		}
		for s, err := range sealquery.Seals(ctx, v.store, w.log.name, w.tip.Size) {
			if err != nil {
				return nil, err
			}
			known := len(v.seals)
			w.checkSeal(s)
			if len(v.seals) == known {
				continue
			}
			from := &stretchSeal{&v.seals[known], seal.NewCommitter(s.Seed)}
			for e, err := range seal.Entries(s.Manifest) {
				if err == nil && (e.Kind == seal.KindEvent || e.Kind == seal.KindAdopted) {
					entries[e.ID] = append(entries[e.ID], sealedEntry{Entry: e, from: from})
				}
			}
		}
		w.reportBad()
	}
	return entries, nil
}
