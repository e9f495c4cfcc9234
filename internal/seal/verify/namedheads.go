package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

// namedHead is one of another log that a statement names: it is signed with that, so it is as good as one that was kept elsewhere.
type namedHead struct {
	seal.Head
	stated time.Time
	by     *logHistory
}

// namedHeads are those of the statements that count, the last of each log first.
func (v *tableVerifier) namedHeads() (all []namedHead) {
	add := func(about []seal.Head, stated time.Time, by *logHistory) {
		for _, head := range about {
			all = append(all, namedHead{head, stated, by})
		}
	}
	bound := func(b *boundStatement) {
		if b.refused == "" {
			add(b.aboutHeads, b.sealed, b.log)
		}
	}
	for _, w := range v.walks {
		for _, r := range w.log.retentions {
			add(r.about, r.from, w.log)
		}
	}
	for i := range v.seals {
		if e := v.seals[i].erasure; e != nil {
			bound(&e.boundStatement)
		}
	}
	for _, l := range v.losses {
		bound(&l.boundStatement)
	}
	slices.SortStableFunc(all, func(a, b namedHead) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(b.Size, a.Size), b.stated.Compare(a.stated))
	})
	return slices.CompactFunc(all, func(a, b namedHead) bool { return a.Head == b.Head })
}

// checkNamedHeads names each log that has lost its end after a statement about it, or has gone whole. Where a head is there, all before it are.
func (v *tableVerifier) checkNamedHeads(ctx context.Context) error {
	there := ""
	for _, head := range v.namedHeads() {
		if head.Origin == there {
			continue
		}
		isThere, err := v.hasHead(ctx, head.Head)
		if err != nil {
			return err
		}
		if isThere {
			there = head.Origin
			continue
		}
		if v.lossOf(head.Origin, head.Size, head.stated) != nil || v.isAlarmAcknowledged(head.Origin, head.Size) {
			continue
		}
		isNamed := v.lost[head.Origin] != nil
		if v.addLost(head.Origin, head.Size, head.stated); !isNamed {
			v.report(Finding{Kind: KindRolledBack, Log: head.Origin, Sealed: head.stated, Detail: fmt.Sprintf(
				"%q, which a statement of %s names, is not in the table: where you have removed the log, as one that is unknown, sign that with `sessionlog acknowledge`", head.Line(), head.by.name)})
		}
	}
	return nil
}

// hasHead reports whether a log is, or was before it let go of that, as a head says, whoever signed it: where that is nobody, it is a finding.
func (v *tableVerifier) hasHead(ctx context.Context, head seal.Head) (bool, error) {
	tip, err := sealquery.TipAt(ctx, v.store, head.Origin, head.Size)
	if err != nil && !errors.Is(err, sealquery.ErrSealMissing) {
		return false, err
	}
	if err == nil {
		root, err := tip.Root()
		return err == nil && root == head.Root, nil
	}
	if v.isPrunedPast(head) {
		return true, nil
	}
	err = v.readLateSeals(ctx) // it may have let go of it since
	return v.isPrunedPast(head), err
}
