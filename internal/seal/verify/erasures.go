package verify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// boundStatement is one about the table in which it was made.
type boundStatement struct {
	aboutHeads []seal.Head
	aboutLogs  []*logHistory // those that this table has: it excuses nothing else
	untilPages []uint64      // of each of aboutLogs, when it was stated
	reason     string
	refused    string // why it excuses nothing; empty: it does
	signers    seal.Keys
	log        *logHistory // that it is in
	first      uint64      // page of its seal
	sealed     time.Time
}

// statedErasure is a seal that says of records that they are to be erased.
type statedErasure struct {
	boundStatement
	records int
}

// readErasure reads the statement `forgot N: REASON`.
func readErasure(b boundStatement, text string) *statedErasure {
	count, reason, _ := strings.Cut(text, ": ")
	b.reason = reason
	records, _ := strconv.Atoi(count) // it is signed
	return &statedErasure{b, records}
}

// checkErasures names what was stated, and finds the logs that each statement is about. One of another table, which somebody has copied, is about none of this.
func (v *tableVerifier) checkErasures(ctx context.Context) error {
	refused := map[Finding]bool{}
	for ; v.boundSeals < len(v.seals); v.boundSeals++ {
		r := &v.seals[v.boundSeals]
		if r.erasure == nil {
			continue
		}
		if err := v.bindStatement(ctx, &r.erasure.boundStatement); err != nil {
			return err
		}
		switch f := (Finding{Kind: KindStatementRefused, Log: r.log.name, Detail: r.erasure.refused}); {
		case f.Detail == "":
			v.report(Finding{Kind: KindErasure, Log: r.log.name, Sealed: r.sealed, Records: r.erasure.records, Reason: r.erasure.reason, Signer: keyNames(r.erasure.signers)})
		case !refused[f]: // a log of them is one finding
			refused[f] = true
			f.Sealed = r.sealed
			v.report(f)
		}
	}
	return nil
}

// bindStatement finds the logs of which a statement excuses something, or why it is refused.
func (v *tableVerifier) bindStatement(ctx context.Context, b *boundStatement) error {
	if v.haveLeft(b.signers) {
		isVouched, err := v.isVouched(ctx, b.log, b.first+1, mostRotations)
		if err != nil || !isVouched {
			b.refused = "its key had been replaced before: what is signed with it since excuses nothing"
			return err
		}
	}
	isPruned := len(b.aboutHeads) == 0
	for _, head := range b.aboutHeads {
		log, err := v.logStatedAbout(ctx, head, b.sealed)
		if err != nil {
			return err
		}
		if log != nil {
			b.aboutLogs, b.untilPages = append(b.aboutLogs, log), append(b.untilPages, head.Size)
		}
		isPruned = isPruned || v.isPrunedPast(head)
	}
	if len(b.aboutLogs) == 0 && !isPruned {
		b.refused = "it is about logs of another table, or about what was cut off this one: it excuses nothing here"
	}
	return nil
}

func keyNames(keys seal.Keys) string {
	var names []string
	for _, key := range keys {
		names = append(names, fmt.Sprintf("%s+%08x", key.Name(), key.KeyHash()))
	}
	return strings.Join(names, ", ")
}

// foundHead is the log that was as a head says. No log: none of the table was so.
type foundHead struct {
	log      *logHistory
	followed time.Time // when it had grown by the next seal; zero: it has not
}

// logStatedAbout is the log that was as a head says when a statement was made of it, or nil: where it had grown long before, the statement was made in an older copy of the
// table.
func (v *tableVerifier) logStatedAbout(ctx context.Context, head seal.Head, stated time.Time) (*logHistory, error) {
	found, err := v.logWithHead(ctx, head)
	if err != nil || !found.followed.IsZero() && found.followed.Add(silentWithin).Before(stated) {
		return nil, err
	}
	return found.log, nil
}

func (v *tableVerifier) logWithHead(ctx context.Context, head seal.Head) (foundHead, error) {
	if found, isKnown := v.headsFound[head]; isKnown {
		return found, nil
	}
	found, err := v.lookUpHead(ctx, head)
	if err == nil {
		v.headsFound[head] = found
	}
	return found, err
}

func (v *tableVerifier) lookUpHead(ctx context.Context, head seal.Head) (found foundHead, err error) {
	for _, w := range v.walks {
		if w.log.name != head.Origin {
			continue
		}
		tip, err := sealquery.TipAt(ctx, v.store, head.Origin, head.Size)
		if errors.Is(err, sealquery.ErrSealMissing) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		if root, err := tip.Root(); err == nil && root == head.Root {
			found.log = w.log
			found.followed, err = v.nextSealTime(ctx, head)
			return found, err
		}
	}
	return found, nil
}

// nextSealTime is zero where no seal follows the head.
func (v *tableVerifier) nextSealTime(ctx context.Context, head seal.Head) (time.Time, error) {
	next, err := sealquery.SealAt(ctx, v.store, head.Origin, head.Size)
	if errors.Is(err, sealquery.ErrSealMissing) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	_, sealed, _ := v.Keys.Open(next.Head, head.Origin) // what nobody has signed is a finding
	return sealed, nil
}

// isPrunedPast reports whether a log has let go of what it had when it ended with a head: nothing of it is to be excused any more.
func (v *tableVerifier) isPrunedPast(head seal.Head) bool {
	for _, w := range v.walks {
		if w.log.name == head.Origin && head.Size < w.log.pruned {
			return true
		}
	}
	return false
}

// erasedRecords are the erasures that were stated of each id.
type erasedRecords map[session.ID][]*sealedRange

// cover reports whether an erasure accounts for a record that a seal has: one that was sealed before the erasure was stated, whatever the clocks, or that was stored by then and still waited for
// its seal.
func (e erasedRecords) cover(id session.ID, from *sealedRange) bool {
	for _, r := range e[id] {
		for i, about := range r.erasure.aboutLogs {
			if about == from.log && (from.first < r.erasure.untilPages[i] || !from.sealed.After(r.sealed.Add(silentWithin))) {
				return true
			}
		}
	}
	return false
}

// lastOf is when an erasure of a record was stated, the last time, of what a log has of it. No log: of what any has.
func (e erasedRecords) lastOf(id session.ID, log *logHistory) (stated time.Time) {
	for _, r := range e[id] {
		for _, about := range r.erasure.aboutLogs {
			if (log == nil || about == log) && r.sealed.After(stated) {
				stated = r.sealed
			}
		}
	}
	return stated
}
