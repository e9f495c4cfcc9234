package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
)

func (w *logWalk) readStatements(s *sealquery.StoredSeal, r *sealedRange) {
	bound := boundStatement{log: w.log, first: s.First, sealed: r.sealed}
	for text := range strings.Lines(s.Texts) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), " ")
		switch verb {
		case "begin":
			if at, err := time.Parse("after "+time.RFC3339Nano, rest); err == nil {
				w.log.beganAfter = at.UnixNano()
			}
			w.ends = strings.HasPrefix(rest, "beside ")
		case "adopted":
			w.ends = true
		case "about":
			if head, ok := seal.ParseHeadLine(rest); ok {
				bound.aboutHeads = append(bound.aboutHeads, head)
			}
		case "forgot":
			bound.signers = w.signersOf(s)
			w.ends, r.erasure = true, readErasure(bound, rest)
		case "lost":
			bound.signers = w.signersOf(s)
			w.ends = true
			w.noteLoss(bound, rest)
		case "retention":
			ttl, _ := time.ParseDuration(rest) // "unlimited" is 0
			w.log.retentions = append(w.log.retentions, statedRetention{r.sealed, ttl, s.First, bound.aboutHeads})
		case "pruned":
			if page, err := strconv.ParseUint(rest, 10, 63); err == nil {
				w.log.pruned, w.log.prunedAt = page, s.First
			}
		case "signed":
			if head, ok := seal.ParseHeadLine(rest); ok {
				w.vouched = append(w.vouched, vouchedHead{head, w})
			}
		case "key":
			w.noteKey(s, r.sealed, rest)
		case "alarm":
			w.noteAlarm(s.Log, r.sealed, rest)
		}
	}
}

// reportRetentions names each that was set: whoever makes one shorter has records deleted lawfully.
func (v *tableVerifier) reportRetentions() {
	for _, w := range v.walks {
		var ttl time.Duration
		for _, r := range w.log.retentions {
			if r.ttl != ttl && r.ttl > 0 {
				v.report(Finding{Kind: KindRetention, Log: w.log.name, Sealed: r.from, Detail: "records expire after " + r.ttl.String()})
			}
			ttl = r.ttl
		}
	}
}

// bindRetentions finds the logs of the table in which a retention was stated: that of another table expires nothing here.
func (v *tableVerifier) bindRetentions(ctx context.Context) error {
	for _, w := range v.walks {
		for _, r := range slices.Backward(w.log.retentions) { // what was named last is there the longest
			if r.ttl == 0 {
				continue
			}
			for _, head := range r.about {
				if slices.ContainsFunc(w.log.beside, func(l *logHistory) bool { return l.name == head.Origin }) {
					continue
				}
				log, err := v.logStatedAbout(ctx, head, r.from)
				if err != nil {
					return err
				}
				if log != nil {
					w.log.beside = append(w.log.beside, log)
				}
			}
		}
	}
	return nil
}

// mayHaveExpired reports whether an event of this time may have been deleted by a retention that was in force: of its own log, or of another one that has named it, while
// that was written, since whatever collector expires records does so for all.
func (v *tableVerifier) mayHaveExpired(event time.Time, own *logHistory) bool {
	for _, w := range v.walks {
		until := v.now()
		if w.log != own {
			until = w.last.Add(silentWithin)
		}
		if w.known && (w.log == own || slices.Contains(w.log.beside, own)) && w.log.allowsExpiry(event, until) {
			return true
		}
	}
	return false
}

// silentWithin is for how long a log that is written may have no seal.
const silentWithin = time.Hour

func (l *logHistory) allowsExpiry(event, now time.Time) bool {
	for i, r := range l.retentions {
		until := now
		if i+1 < len(l.retentions) {
			until = l.retentions[i+1].from
		}
		if r.ttl > 0 && event.Before(until.Add(-r.ttl)) {
			return true
		}
	}
	return false
}

// lostEndAlarm is what a collector has found: that the table has not the end of its log.
type lostEndAlarm struct {
	lost         string // head
	page         uint64 // where the log ended in the table
	acknowledged bool
}

func (w *logWalk) noteAlarm(log string, sealed time.Time, text string) {
	sum := sha256.Sum256([]byte(log + "\n" + text))
	f := Finding{Kind: KindAlarm, Log: log, Sealed: sealed, Detail: text, Acknowledge: hex.EncodeToString(sum[:8])}
	var a lostEndAlarm
	if _, err := fmt.Sscanf(text, "at %d lost %q", &a.page, &a.lost); err != nil {
		a.lost = ""
	}
	if slices.Contains(w.Acknowledged, f.Acknowledge) {
		f.Kind, a.acknowledged = KindAcknowledged, true
	}
	w.alarms = append(w.alarms, a)
	w.bad = append(w.bad, f)
}

// checkAlarms finds what was lost since: a log does not end before the page that a collector has seen.
func (v *tableVerifier) checkAlarms() {
	for _, a := range v.alarms {
		log, _, _ := strings.Cut(a.lost, "\n")
		at := slices.IndexFunc(v.walks, func(w *logWalk) bool { return w.log.name == log && w.known })
		if end := uint64(0); a.page > 0 {
			if at >= 0 {
				end = v.walks[at].end.Size
			}
			if end < a.page {
				v.report(Finding{Kind: KindPagesMissing, Log: log, Detail: fmt.Sprintf("pages %d to %d, which were there after an alarm", end, a.page-1)})
			}
		}
	}
}

// isAcknowledged reports whether somebody knows that a head is not in the table.
func (v *tableVerifier) isAcknowledged(c *keptHead) bool {
	log, size, _, ok := v.openKept(c)
	return ok && v.isAlarmAcknowledged(log, size)
}

func (v *tableVerifier) isAlarmAcknowledged(log string, size uint64) bool {
	return slices.ContainsFunc(v.alarms, func(a lostEndAlarm) bool {
		lost, _, err := v.Keys.Open(a.lost, log)
		return a.acknowledged && err == nil && size <= lost.Size && size > a.page
	})
}
