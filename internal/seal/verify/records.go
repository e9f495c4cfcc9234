package verify

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/session"
)

// entriesAtOnce bounds the memory: 64 bytes each, twice while they are gathered.
const entriesAtOnce = 1 << 18

// checkRecords goes through ids in stretches, each with no more entries than fit.
func (v *verifier) checkRecords(ctx context.Context) error {
	slices.SortFunc(v.seals, byRange)
	var low session.ID
	for i := 0; ; {
		entries := uint64(0)
		first := low
		for ; i < len(v.seals) && (entries < entriesAtOnce || v.seals[i].min == first); i++ {
			entries += v.seals[i].entries
			first = v.seals[i].min
		}
		high := session.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		last := i == len(v.seals)
		if !last {
			high = previousID(v.seals[i].min)
		}
		if err := v.checkStretch(ctx, low, high); err != nil || last {
			return err
		}
		low = v.seals[i].min
	}
}

// previousID is the greatest id below one that is not zero.
func previousID(id session.ID) session.ID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			break
		}
	}
	return id
}

// sealedEntry is an entry of a stretch.
type sealedEntry struct {
	seal.Entry
	from *stretchSeal
	seen bool // a row is as it says
}

type stretchSeal struct {
	*sealedRange
	committer *seal.Committer
}

func (v *verifier) checkStretch(ctx context.Context, low, high session.ID) error {
	var events, conflicts []sealedEntry
	for i := range v.seals {
		r := &v.seals[i]
		if compareIDs(r.min, high) > 0 || compareIDs(r.max, low) < 0 {
			continue
		}
		s, err := sealquery.SealAt(ctx, v.store, r.log.name, r.first)
		if err != nil {
			return err
		}
		from := &stretchSeal{r, seal.NewCommitter(s.Seed)}
		for e, err := range seal.Entries(s.Manifest) {
			if err != nil {
				break // it was found before
			}
			if e.Kind == seal.KindSeed || e.Kind == seal.KindStatement || compareIDs(e.ID, low) < 0 || compareIDs(e.ID, high) > 0 {
				continue
			}
			if e.Kind == seal.KindConflict {
				conflicts = append(conflicts, sealedEntry{Entry: e, from: from})
			} else {
				events = append(events, sealedEntry{Entry: e, from: from})
			}
		}
	}
	if err := v.compareRows(ctx, v.store.Table(), "session_events", events, low, high); err != nil {
		return err
	}
	return v.compareRows(ctx, v.store.TableNamed("session_conflicts"), "session_conflicts", conflicts, low, high)
}

// compareRows goes through the rows and the entries of a stretch at once, both in the order of ids.
func (v *verifier) compareRows(ctx context.Context, from, table string, entries []sealedEntry, low, high session.ID) error {
	slices.SortStableFunc(entries, func(a, b sealedEntry) int { return compareIDs(a.ID, b.ID) })
	several := table == "session_conflicts" // of one id
	rows := 0
	var last session.ID
	for e, err := range sealquery.RecordsBetween(ctx, v.store, from, low, high) {
		if err != nil {
			return err
		}
		for len(entries) > 0 && compareIDs(entries[0].ID, e.RecordID) < 0 {
			v.reportMissing(&entries[0], table, several)
			entries = entries[1:]
		}
		same := 0
		for same < len(entries) && entries[same].ID == e.RecordID {
			same++
		}
		if !several && rows > 0 && e.RecordID == last {
			v.report(Finding{Kind: KindTwice, RecordID: e.RecordID, Table: table, Time: time.Unix(0, e.Time).UTC()})
		} else {
			v.compareRow(e, entries[:same], table)
		}
		last = e.RecordID
		if rows++; rows%10_000 == 0 && v.Progress != nil {
			v.Progress(10_000)
		}
	}
	for i := range entries {
		v.reportMissing(&entries[i], table, several)
	}
	return nil
}

// checkDisguises names rows with cells that nothing of this program has written so.
func (v *verifier) checkDisguises(ctx context.Context) error {
	condition := v.store.Disguised()
	if condition == "" {
		return nil
	}
	for row, err := range v.store.Rows(ctx, v.store.Select(v.store.AsText(sealquery.RecordID), v.store.Nanoseconds())+" FROM "+v.store.Table()+" WHERE "+condition, 2) {
		if err != nil {
			return err
		}
		id, _ := hex.DecodeString(row[0].Text)
		f := Finding{Kind: KindDisguised, Table: "session_events"}
		copy(f.RecordID[:], id)
		if at, err := strconv.ParseInt(row[1].Text, 10, 64); err == nil {
			f.Time = time.Unix(0, at).UTC()
		}
		v.report(f)
	}
	return nil
}

// compareRow finds the entry that a row is as sealed by.
func (v *verifier) compareRow(e *session.Event, entries []sealedEntry, table string) {
	untrusted := false
	for i := range entries {
		s := &entries[i]
		untrusted = untrusted || !s.from.trusted
		if s.from.trusted && !s.seen && s.from.committer.Entry(s.Kind, e).Hash == s.Hash {
			if s.seen = true; table == "session_conflicts" {
				v.summary.Conflicts++
				return
			}
			for k := range entries { // told twice: either satisfies
				entries[k].seen = true
			}
			v.summary.Records++
			if s.Kind == seal.KindAdopted {
				v.summary.Adopted++
			}
			return
		}
	}
	at := time.Unix(0, e.Time).UTC()
	switch {
	case untrusted:
		v.summary.Unjudged++
	case len(entries) > 0 && table == "session_events":
		for k := range entries {
			entries[k].seen = true
		}
		v.report(Finding{Kind: KindAltered, RecordID: e.RecordID, Table: table, Time: at, Log: entries[0].from.log.name, Sealed: entries[0].from.sealed})
	case v.isFromBefore(e.Time):
		v.summary.Unprotected++
		if v.Unprotected != nil && table == "session_events" {
			v.Unprotected(e)
		}
	case v.sealMayBePruned(e.Time):
		v.summary.Unprotected++
	case len(v.unsealed) < mostUnsealed && table == "session_events":
		v.unsealed = append(v.unsealed, e.RecordID)
	default:
		v.report(Finding{Kind: KindInserted, RecordID: e.RecordID, Table: table, Time: at})
	}
}

// isFromBefore tells whether an unsealed row may be from before a log began.
func (v *verifier) isFromBefore(time int64) bool {
	return slices.ContainsFunc(v.logs, func(l *logHistory) bool { return l.beganAfter != 0 && time <= l.beganAfter })
}

// sealMayBePruned tells whether an unsealed row may have expired, with its pages, and not have been dropped yet.
func (v *verifier) sealMayBePruned(nanoseconds int64) bool {
	at := time.Unix(0, nanoseconds)
	return slices.ContainsFunc(v.walks, func(w *logWalk) bool { return w.pruned > 0 && w.log.mayHaveExpired(at, v.At) })
}

func (v *verifier) reportMissing(s *sealedEntry, table string, several bool) {
	at := time.Unix(0, s.Time).UTC()
	switch {
	case s.seen:
	case !s.from.trusted:
		v.summary.Unjudged++
	case s.from.log.mayHaveExpired(at, v.At):
		v.summary.Expired++
	default:
		detail := ""
		if several {
			detail = "a version of the record that was kept aside"
		}
		v.report(Finding{Kind: KindRemoved, RecordID: s.ID, Table: table, Time: at, Log: s.from.log.name, Sealed: s.from.sealed, Detail: detail})
	}
}
