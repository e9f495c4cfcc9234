package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/query"
)

// FindLost are the kept heads that the table does not have, of each log, and that nobody has acknowledged. It reads no record.
func FindLost(ctx context.Context, store query.Store, o Options) ([]seal.Loss, error) {
	v := newVerifier(store, o, func(Finding) {})
	err := v.checkLogs(ctx)
	var all []seal.Loss
	for _, log := range slices.Sorted(maps.Keys(v.lost)) {
		all = append(all, *v.lost[log])
	}
	return all, err
}

func (v *tableVerifier) noteLost(c *keptHead) {
	if log, size, signed, ok := v.openKept(c); ok {
		v.addLost(log, size, signed)
	}
}

func (v *tableVerifier) addLost(log string, size uint64, signed time.Time) {
	if v.lost[log] == nil {
		v.lost[log] = &seal.Loss{Log: log}
	}
	v.lost[log].Add(size, signed)
}

func (v *tableVerifier) openKept(c *keptHead) (log string, size uint64, signed time.Time, ok bool) {
	log, _, _ = strings.Cut(c.text, "\n")
	head, signed, err := v.keptKeys().Open(c.text, log)
	return log, head.Size, signed, err == nil
}

type acknowledgedLoss struct {
	boundStatement
	seal.Loss
	given int // of the heads that whoever verifies has given
}

// noteLoss reads the statement `lost LOG FROM TO UNTIL HEADS: REASON`.
func (w *logWalk) noteLoss(b boundStatement, text string) {
	loss, ok := seal.ParseLoss(text)
	if !ok {
		return
	}
	_, b.reason, _ = strings.Cut(text, fmt.Sprintf(" %d: ", loss.Heads))
	w.losses = append(w.losses, &acknowledgedLoss{boundStatement: b, Loss: loss})
}

// checkLosses leaves out what excuses nothing: where the log is still there, the statement has to be about it.
func (v *tableVerifier) checkLosses(ctx context.Context) error {
	for _, l := range v.losses {
		if err := v.bindStatement(ctx, &l.boundStatement); err != nil {
			return err
		}
		isNamed := slices.ContainsFunc(l.aboutHeads, func(h seal.Head) bool { return h.Origin == l.Log })
		isFound := slices.ContainsFunc(l.aboutLogs, func(log *logHistory) bool { return log.name == l.Log })
		if l.refused == "" && (len(l.aboutLogs) == 0 || isNamed && !isFound) {
			l.refused = "the log that it is about is another one here: it excuses nothing"
		}
	}
	return nil
}

func (v *tableVerifier) isStatedLost(c *keptHead) bool {
	log, size, signed, ok := v.openKept(c)
	l := v.lossOf(log, size, signed)
	if !ok || l == nil {
		return false
	}
	l.given++
	return true
}

// lossOf is the statement that a head is lost, or nil.
func (v *tableVerifier) lossOf(log string, size uint64, signed time.Time) *acknowledgedLoss {
	for _, l := range v.losses {
		if l.refused == "" && l.Has(log, size, signed) {
			return l
		}
	}
	return nil
}

// reportLosses are named for ever, whether heads are given or not.
func (v *tableVerifier) reportLosses() {
	for _, l := range v.losses {
		f := Finding{Kind: KindAcknowledged, Log: l.Log, Sealed: l.sealed, Reason: l.reason, Signer: keyNames(l.signers)}
		f.Detail = fmt.Sprintf("%d kept heads are lost, from page %d to %d, of until %s: what was sealed there has gone; %d of them are given", l.Heads, l.From, l.To, l.Until.Format(time.RFC3339), l.given)
		if l.refused != "" {
			f.Kind, f.Log, f.Detail = KindStatementRefused, l.log.name, l.refused
		}
		v.report(f)
	}
}
