package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

type keyRotation struct {
	leaving seal.Keys   // that have said that another one takes over
	denied  seal.Keys   // since it has
	former  []formerKey // that one which is trusted says it has followed
}

type leftKeys struct {
	keys seal.Keys
	log  string
	at   time.Time
}

// vouchedHead is one that a key had signed when it left: whatever it signs after that, with any time, is of whoever has it now.
type vouchedHead struct {
	seal.Head
	by *logWalk
}

// formerKey is trusted up to a page: the tree of every later head has what it signed.
type formerKey struct {
	keys  seal.Keys
	until uint64
	text  string
}

// keysAt are those that may sign a seal of the log.
func (w *logWalk) keysAt(first uint64) seal.Keys {
	keys := w.Keys
	for _, f := range w.former {
		if first < f.until {
			keys = append(keys[:len(keys):len(keys)], f.keys...)
		}
	}
	if len(w.denied) == 0 {
		return keys
	}
	return keys.Without(w.denied)
}

// walkLog goes through a log, and once more with each key that turns out to have been one of it.
func (v *tableVerifier) walkLog(ctx context.Context, name string, copies []keptHead) (*logWalk, error) {
	var former []formerKey
	for {
		summary, seals, alarms, vouched, successions, losses := v.summary, len(v.seals), len(v.alarms), len(v.vouched), len(v.successions), len(v.losses)
		w := &logWalk{tableVerifier: v, log: &logHistory{name: name}, reported: map[Finding]bool{}, keyRotation: keyRotation{former: former}}
		for s, err := range sealquery.Seals(ctx, v.store, name, 0) {
			if err != nil {
				return nil, err
			}
			w.checkSeal(s)
			compareHeads(slices.Concat(w.keysAt(s.First), v.Witnesses), copies, name, s, w.tip)
		}
		if len(w.former) == len(former) {
			return w, nil
		}
		former = w.former
		v.summary, v.seals, v.alarms, v.vouched = summary, v.seals[:seals], v.alarms[:alarms], v.vouched[:vouched]
		v.successions, v.losses = v.successions[:successions], v.losses[:losses]
	}
}

// noteKey reads `key next` and `key retired`.
func (w *logWalk) noteKey(s *sealquery.StoredSeal, sealed time.Time, text string) {
	verb, public, _ := strings.Cut(text, " ")
	keys, err := seal.ParseKeys(public)
	if err != nil {
		return
	}
	switch {
	case verb == "next":
		w.Keys = append(w.Keys, keys.Without(w.Keys)...)
		before := w.signersOf(s).Without(keys)
		w.leaving = append(w.leaving, before...)
		w.successions = append(w.successions, keySuccession{before, keys, s.Log, sealed})
	case verb == "retired" && w.Keys.Contains(keys[0]): // it may have said so in a seal that has gone
		if w.leaving = w.leaving.Without(keys); !w.denied.Contains(keys[0]) && !w.signersOf(s).Contains(keys[0]) {
			w.denied = append(w.denied, keys...)
			w.left = append(w.left, leftKeys{keys, s.Log, sealed})
		}
	case verb == "retired" && !w.isFormer(keys):
		w.former = append(w.former, formerKey{keys, s.First, public})
		w.retired = append(w.retired, keys...)
	}
}

// noteSigner has a key that has said it leaves sign nothing more, once another one has.
func (w *logWalk) noteSigner(s *sealquery.StoredSeal, sealed time.Time) {
	if len(w.leaving) > 0 && len(w.leaving.Opening(s.Head, s.Log)) == 0 {
		w.left = append(w.left, leftKeys{w.leaving, s.Log, sealed})
		w.denied, w.leaving = append(w.denied, w.leaving...), nil
	}
}

func (w *logWalk) isFormer(keys seal.Keys) bool {
	for _, f := range w.former {
		if f.keys.Contains(keys[0]) {
			return true
		}
	}
	return false
}

func (w *logWalk) reportRetired() {
	for _, f := range w.former {
		w.report(Finding{Kind: KindKeyRetired, Log: w.log.name, Detail: fmt.Sprintf("up to page %d some is signed by %s, which the key that took over says it has followed: name that too with --key", f.until, f.text)})
	}
}

func (w *logWalk) signersOf(s *sealquery.StoredSeal) seal.Keys {
	return w.keysAt(s.First).Opening(s.Head, s.Log)
}

// reportLeftKeys names logs that end under a key which has left another one: whoever stole it may begin some, and date them as he likes.
func (v *tableVerifier) reportLeftKeys(ctx context.Context) error {
	for _, w := range v.walks {
		for _, l := range v.left {
			signers := l.keys.Opening(w.head, w.log.name)
			if len(signers) == 0 {
				continue
			}
			vouched, err := v.endOfVouched(ctx, w.log)
			if err != nil {
				return err
			}
			if vouched < w.end.Size {
				v.distrustUnvouched(w, vouched)
				v.report(Finding{Kind: KindKeyLeft, Log: w.log.name, Sealed: w.last, Detail: fmt.Sprintf("its key has left %s at %s: a writer whose key is still to be rotated, or somebody who has the old key", l.log, l.at.UTC().Format(time.RFC3339))})
				break
			}
		}
	}
	return nil
}

// endOfVouched is the page up to which a log under a key that has left is vouched for.
func (v *tableVerifier) endOfVouched(ctx context.Context, log *logHistory) (end uint64, err error) {
	for _, h := range v.vouched {
		if h.Origin != log.name || h.Size <= end {
			continue
		}
		isVouched, err := v.isVouched(ctx, log, h.Size, mostRotations)
		if err != nil {
			return 0, err
		}
		if isVouched {
			end = h.Size
		}
	}
	return end, nil
}

// distrustUnvouched has what a log says from a page on excuse nothing: whoever has its key now may say it.
func (v *tableVerifier) distrustUnvouched(w *logWalk, from uint64) {
	w.log.retentions = slices.DeleteFunc(w.log.retentions, func(r statedRetention) bool { return r.first >= from })
	for i := range v.seals {
		if r := &v.seals[i]; r.log == w.log && r.first >= from {
			r.unvouched = true
		}
	}
	if w.log.pruned > 0 && w.log.prunedAt >= from {
		v.report(Finding{Kind: KindStatementRefused, Log: w.log.name, Sealed: w.last, Detail: "it removes old seals, and its key had been replaced before: rotate the key of a writer that still has it, or somebody has removed them"})
	}
	if from == 0 { // and what was there before it is not for it to say
		v.logs = slices.DeleteFunc(v.logs, func(l *logHistory) bool { return l == w.log })
	}
}

// haveLeft reports whether some of what has signed a head has left a log, or whether nothing has signed it.
func (v *tableVerifier) haveLeft(signers seal.Keys) bool {
	return len(signers) == 0 || slices.ContainsFunc(v.left, func(l leftKeys) bool { return len(signers.Without(l.keys)) < len(signers) })
}

// mostRotations bounds how far it is followed who vouches for whom.
const mostRotations = 16

// isVouched reports whether what a key that has left has signed of a log, up to a page, is under the signature of one that has not, by way of some rotations.
func (v *tableVerifier) isVouched(ctx context.Context, log *logHistory, end uint64, rotations int) (bool, error) {
	for _, h := range v.vouched {
		if h.Origin != log.name || h.Size < end || rotations == 0 {
			continue
		}
		found, err := v.logWithHead(ctx, h.Head)
		if err != nil {
			return false, err
		}
		isVouched := !v.haveLeft(v.Keys.Opening(h.by.head, h.by.log.name))
		if found.log == log && !isVouched {
			isVouched, err = v.isVouched(ctx, h.by.log, h.by.end.Size, rotations-1)
		}
		if err != nil || found.log == log && isVouched {
			return isVouched, err
		}
	}
	return false, nil
}

// keySuccession is a key that says which one follows it.
type keySuccession struct {
	keys, next seal.Keys
	log        string
	sealed     time.Time
}

// checkSuccessions finds keys that have named two which follow: whoever stole one names his own. One that is given is not his.
func (v *tableVerifier) checkSuccessions() {
	for _, s := range v.successions {
		isFork := slices.ContainsFunc(v.successions, func(other keySuccession) bool {
			return len(other.keys.Without(s.keys)) < len(other.keys) && !other.next.Contains(s.next[0]) && v.signing.Contains(other.next[0])
		})
		if isFork && v.signing.Contains(s.next[0]) && !v.given.Contains(s.next[0]) {
			v.left = append(v.left, leftKeys{s.next, s.log, s.sealed})
			v.report(Finding{Kind: KindKeyForked, Log: s.log, Sealed: s.sealed, Detail: fmt.Sprintf("it says that %s follows, and another log that another key does: give those that you trust with --key", keyNames(s.next))})
		}
	}
}
