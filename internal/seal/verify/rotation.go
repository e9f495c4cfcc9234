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

// rotation is what a log says of its keys.
type rotation struct {
	leaving seal.Keys   // that have said that another one takes over
	denied  seal.Keys   // since it has
	former  []formerKey // that one which is trusted says it has followed
}

// leftKeys are those that a log has left behind.
type leftKeys struct {
	keys seal.Keys
	log  string
	at   time.Time
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
func (v *verifier) walkLog(ctx context.Context, name string, copies []keptHead) (*logWalk, error) {
	var former []formerKey
	for {
		summary, seals, alarms := v.summary, len(v.seals), len(v.alarms)
		w := &logWalk{verifier: v, log: &logHistory{name: name}, rotation: rotation{former: former}}
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
		v.summary, v.seals, v.alarms = summary, v.seals[:seals], v.alarms[:alarms]
	}
}

// noteKey reads `key next` and `key retired`.
func (w *logWalk) noteKey(s *sealquery.StoredSeal, text string) {
	verb, public, _ := strings.Cut(text, " ")
	keys, err := seal.ParseKeys(public)
	if err != nil {
		return
	}
	switch {
	case verb == "next":
		w.Keys = append(w.Keys, keys.Without(w.Keys)...)
		w.leaving = append(w.leaving, w.keysAt(s.First).Opening(s.Head, s.Log).Without(keys)...)
	case verb == "retired" && !w.Keys.Contains(keys[0]) && !w.isFormer(keys):
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

// reportLeftKeys names logs that end under a key which has left another one before: whoever has stolen it may begin some, with erasures in them.
func (v *verifier) reportLeftKeys() {
	for _, w := range v.walks {
		for _, l := range v.left {
			if w.last.After(l.at) && len(l.keys.Opening(w.head, w.log.name)) > 0 {
				v.report(Finding{Kind: KindKeyLeft, Log: w.log.name, Sealed: w.last, Detail: fmt.Sprintf("its key has left %s at %s: a writer whose key is still to be rotated, or somebody who has the old key", l.log, l.at.UTC().Format(time.RFC3339))})
				break
			}
		}
	}
}
