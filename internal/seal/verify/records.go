package verify

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
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
func (v *tableVerifier) checkRecords(ctx context.Context) error {
	if err := v.checkErasures(ctx); err != nil { // of seals that came meanwhile
		return err
	}
	slices.SortFunc(v.seals, byRange)
	v.known = len(v.seals)
	seals := v.seals
	var low session.ID
	for i := 0; ; {
		entries := uint64(0)
		first := low
		for ; i < len(seals) && (entries < entriesAtOnce || seals[i].min == first); i++ {
			entries += seals[i].entries
			first = seals[i].min
		}
		high := session.ID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		last := i == len(seals)
		if !last {
			high = previousID(seals[i].min)
		}
		if err := v.checkStretch(ctx, seals, low, high); err != nil || last {
			return err
		}
		low = seals[i].min
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

type sealedEntry struct {
	seal.Entry
	from *stretchSeal
	seen bool // a row is as it says
}

// isOf reports whether a row is as an entry says.
func (v *tableVerifier) isOf(s *sealedEntry, e *session.Event) bool {
	if !s.from.trusted {
		return false
	}
	if v.committerOf != s.from.sealedRange { // one for each of many small seals would be a kilobyte for each record
		v.committer, v.committerOf = seal.NewCommitter(s.from.seed), s.from.sealedRange
	}
	return v.committer.Entry(s.Kind, e).Hash == s.Hash
}

type stretchSeal struct {
	*sealedRange
	seed seal.Seed
}

// checkStretch goes through a stretch in parts, where the seals have more entries in it than fit: ids that do not begin with a time are everywhere.
func (v *tableVerifier) checkStretch(ctx context.Context, seals []sealedRange, low, high session.ID) error {
	events, conflicts := v.tablesOfRecords()[0], v.tablesOfRecords()[1]
	for {
		e, err := v.readEntries(ctx, seals, low, high, entriesAtOnce)
		if err != nil {
			return err
		}
		v.erased = e.erasures("session_events")
		if err := v.compareRows(ctx, events, e.events, low, e.reached); err != nil {
			return err
		}
		v.erased = e.erasures("session_conflicts")
		if err := v.compareRows(ctx, conflicts, e.conflicts, low, e.reached); err != nil {
			return err
		}
		if e.reached == high {
			return nil
		}
		low = nextID(e.reached)
	}
}

func nextID(id session.ID) session.ID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			break
		}
	}
	return id
}

// stretchEntries are all with ids up to one that was reached.
type stretchEntries struct {
	events, conflicts, erased []sealedEntry
	reached                   session.ID
}

func (e *stretchEntries) lists() []*[]sealedEntry {
	return []*[]sealedEntry{&e.events, &e.conflicts, &e.erased}
}

// erasures are those of what ids had in a table.
func (e *stretchEntries) erasures(table string) erasedRecords {
	stated := erasedRecords{}
	for i := range e.erased {
		if s := &e.erased[i]; s.from.erasure != nil && (s.Kind == seal.KindForgotten || table == "session_conflicts") {
			stated[s.ID] = append(stated[s.ID], s.from.sealedRange)
		}
	}
	return stated
}

// cutInHalf gives up the greater half of the ids.
func (e *stretchEntries) cutInHalf(low session.ID) {
	larger := e.events
	for _, list := range e.lists() {
		slices.SortStableFunc(*list, func(a, b sealedEntry) int { return compareIDs(a.ID, b.ID) })
		if len(*list) > len(larger) {
			larger = *list
		}
	}
	middle := larger[len(larger)/2].ID
	if compareIDs(middle, low) <= 0 { // all of one id
		return
	}
	e.reached = previousID(middle)
	for _, list := range e.lists() {
		at, _ := slices.BinarySearchFunc(*list, middle, func(s sealedEntry, id session.ID) int { return compareIDs(s.ID, id) })
		*list = (*list)[:at]
	}
}

// readEntries reads those from low to high, or to a lesser id where that are more than twice as many as atOnce.
func (e *stretchEntries) addEntries(manifest []byte, from *stretchSeal, low session.ID) {
	for entry, err := range seal.Entries(manifest) {
		if err != nil {
			break // it was found before
		}
		if compareIDs(entry.ID, low) < 0 || compareIDs(entry.ID, e.reached) > 0 {
			continue
		}
		one := sealedEntry{Entry: entry, from: from}
		switch {
		case entry.Kind == seal.KindConflict:
			e.conflicts = append(e.conflicts, one)
		case entry.Kind.IsRecord():
			e.events = append(e.events, one)
		case entry.Kind.IsErasure():
			e.erased = append(e.erased, one)
		}
	}
}

func (v *tableVerifier) readEntries(ctx context.Context, seals []sealedRange, low, high session.ID, atOnce int) (all stretchEntries, err error) {
	all.reached = high
	asked := rangesWithin(seals, low, high)
	var read map[uint64]*sealquery.StoredSeal
	var readOf *logHistory
	for i, r := range asked {
		if compareIDs(r.min, all.reached) > 0 {
			continue
		}
		if read[r.first] == nil || r.log != readOf {
			if read, err = v.readTogether(ctx, asked[i:]); err != nil {
				return all, err
			}
			readOf = r.log
		}
		s := read[r.first]
		if s == nil || !s.HasPages || r.gone {
			s, err = v.readSeal(ctx, r)
		}
		if err != nil {
			return all, err
		}
		if s == nil {
			continue
		}
		all.addEntries(s.Manifest, &stretchSeal{r, s.Seed}, low)
		if len(all.events)+len(all.conflicts)+len(all.erased) > 2*atOnce {
			all.cutInHalf(low)
		}
	}
	return all, nil
}

// rangesWithin are those with ids from low to high, in the order of their logs.
func rangesWithin(seals []sealedRange, low, high session.ID) (asked []*sealedRange) {
	for i := range seals {
		if r := &seals[i]; compareIDs(r.min, high) <= 0 && compareIDs(r.max, low) >= 0 {
			asked = append(asked, r)
		}
	}
	slices.SortFunc(asked, func(a, b *sealedRange) int {
		return cmp.Or(cmp.Compare(a.log.name, b.log.name), cmp.Compare(a.first, b.first))
	})
	return asked
}

// pagesTogether bounds what is read at once: 4 MB of entries.
const pagesTogether = 512

// readTogether reads seals that begin within a few pages of the first, by their first page: of small ones, each would be two questions. Where two are at one page,
// neither is among them.
func (v *tableVerifier) readTogether(ctx context.Context, asked []*sealedRange) (map[uint64]*sealquery.StoredSeal, error) {
	first, last := asked[0], asked[0]
	for _, r := range asked {
		if r.log != first.log || r.first >= first.first+pagesTogether {
			break
		}
		last = r
	}
	if last == first {
		return nil, nil
	}
	some, err := sealquery.SealsBetween(ctx, v.store, first.log.name, first.first, last.first)
	read := make(map[uint64]*sealquery.StoredSeal, len(some))
	for _, s := range some {
		if _, isTwice := read[s.First]; isTwice {
			read[s.First] = nil
			continue
		}
		read[s.First] = s
	}
	return read, err
}

// readSeal is nil where the seal has gone since the log was read: a collector lets go of those whose records have expired, and has said so under seal.
func (v *tableVerifier) readSeal(ctx context.Context, r *sealedRange) (*sealquery.StoredSeal, error) {
	if r.gone {
		return nil, nil
	}
	s, err := sealquery.SealAt(ctx, v.store, r.log.name, r.first)
	if err == nil && s.HasPages || err != nil && !errors.Is(err, sealquery.ErrSealMissing) {
		return s, err
	}
	r.gone = true
	if err := v.readLateSeals(ctx); err != nil {
		return nil, err
	}
	if r.first >= r.log.pruned {
		v.report(Finding{Kind: KindPagesMissing, Log: r.log.name, Sealed: r.sealed, Detail: fmt.Sprintf("page %d: %d records, removed while they were verified", r.first, r.entries)})
	}
	return nil, nil
}

// compareRows goes through the rows and the entries of a stretch at once, both in the order of ids.
func (v *tableVerifier) compareRows(ctx context.Context, from recordTable, entries []sealedEntry, low, high session.ID) error {
	slices.SortStableFunc(entries, func(a, b sealedEntry) int { return compareIDs(a.ID, b.ID) })
	table, several := from.name, from.name == "session_conflicts" // of one id
	for {
		next, left, err := v.compareRowBatch(ctx, from.table, table, entries, low, high)
		if err != nil {
			return err
		}
		if next == nil {
			for i := range left {
				v.noteMissing(&left[i], table, several)
			}
			return errors.Join(v.judgeMissing(ctx, table), v.checkHashes(ctx, from))
		}
		if v.waitUntil.IsZero() { // of many rows without a seal, the last ones alone may still get theirs
			v.waitUntil = time.Now().Add(v.SealWait)
		}
		if err := v.checkLateSeals(ctx, v.waitUntil); err != nil {
			return err
		}
		low, entries = *next, left
	}
}

// compareRowBatch goes as far as rows without a seal can be remembered: next is where it goes on, with the entries that are left.
func (v *tableVerifier) compareRowBatch(ctx context.Context, from, table string, entries []sealedEntry, low, high session.ID) (next *session.ID, left []sealedEntry, err error) {
	several := table == "session_conflicts"
	rows := 0
	var last session.ID
	for e, err := range sealquery.RecordsBetween(ctx, v.store, from, low, high) {
		if err != nil {
			return nil, nil, err
		}
		if len(v.unsealed) >= mostUnsealed && (rows == 0 || e.RecordID != last) {
			id := e.RecordID
			return &id, entries, nil
		}
		for len(entries) > 0 && compareIDs(entries[0].ID, e.RecordID) < 0 {
			v.noteMissing(&entries[0], table, several)
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
	return nil, entries, nil
}

// attributesTwice is a store that has attributes in two columns, of which one counts.
type attributesTwice interface {
	// DisguisedAttributes yields conditions for rows whose other column says something else.
	DisguisedAttributes(ctx context.Context) iter.Seq2[string, error]
}

// checkDisguises names rows with cells that nothing of this program has written so.
func (v *tableVerifier) checkDisguises(ctx context.Context) error {
	for _, from := range v.tablesOfRecords() {
		if err := v.reportDisguised(ctx, from, v.store.Disguised()); err != nil {
			return err
		}
	}
	twice, ok := v.store.(attributesTwice)
	if !ok {
		return nil
	}
	for condition, err := range twice.DisguisedAttributes(ctx) {
		if err == nil {
			err = v.reportDisguised(ctx, v.tablesOfRecords()[0], condition)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordTable is one that has records, under the name of docs/schema.md and under its own.
type recordTable struct{ name, table string }

func (v *tableVerifier) tablesOfRecords() []recordTable {
	return []recordTable{{"session_events", v.store.Table()}, {"session_conflicts", v.store.TableNamed("session_conflicts")}}
}

func (v *tableVerifier) reportDisguised(ctx context.Context, from recordTable, condition string) error {
	for row, err := range v.store.Rows(ctx, v.store.Select(v.store.AsText(sealquery.RecordID), v.store.Nanoseconds())+" FROM "+from.table+" WHERE "+condition, 2) {
		if err != nil {
			return err
		}
		id, _ := hex.DecodeString(row[0].Text)
		f := Finding{Kind: KindDisguised, Table: from.name}
		copy(f.RecordID[:], id)
		if at, err := strconv.ParseInt(row[1].Text, 10, 64); err == nil {
			f.Time = time.Unix(0, at).UTC()
		}
		v.report(f)
	}
	return nil
}

// compareRow finds the entry that a row is as sealed by.
func (v *tableVerifier) compareRow(e *session.Event, entries []sealedEntry, table string) {
	untrusted := false
	stated := v.erased.lastOf(e.RecordID, nil)
	for i := range entries {
		s := &entries[i]
		untrusted = untrusted || !s.from.trusted
		if !s.seen && v.isOf(s, e) && !v.isOverruled(s, e, entries) && s.from.sealed.After(v.erased.lastOf(e.RecordID, s.from.log)) {
			v.countSealed(e, s, entries, table, stated)
			return
		}
	}
	switch {
	case untrusted:
		v.summary.Unjudged++
	case !stated.IsZero() && (len(entries) > 0 || v.isFromBefore(e.Time)):
		markSeen(entries)
		v.unsealed = append(v.unsealed, waitingRow{lateRowOf(e, table), stated})
	case len(entries) > 0 && table == "session_events":
		markSeen(entries)
		v.report(Finding{Kind: KindAltered, RecordID: e.RecordID, Table: table, Time: time.Unix(0, e.Time).UTC(), Log: entries[0].from.log.name, Sealed: entries[0].from.sealed})
	case v.isFromBefore(e.Time):
		v.summary.Unprotected++
		if v.Unprotected != nil && table == "session_events" {
			v.Unprotected(e)
		}
	case v.sealMayBePruned(e.Time):
		v.summary.Unprotected++
	default:
		v.unsealed = append(v.unsealed, waitingRow{lateRow: lateRowOf(e, table)})
	}
}

// countSealed counts a row that is as an entry says.
func (v *tableVerifier) countSealed(e *session.Event, s *sealedEntry, entries []sealedEntry, table string, stated time.Time) {
	if !stated.IsZero() && s.from.sealed.After(stated) {
		v.report(Finding{Kind: KindReturned, RecordID: e.RecordID, Table: table, Time: time.Unix(0, e.Time).UTC(), Log: s.from.log.name, Sealed: s.from.sealed, Detail: "it was erased, and came to a collector again"})
	}
	if s.Kind != seal.KindAdopted { // of which nobody knows who has written it
		v.hashes = append(v.hashes, hashedRow{e.RecordID, e.ContentHash(&v.hasher)})
	}
	if s.seen = true; table == "session_conflicts" {
		v.summary.Conflicts++
		return
	}
	if stated.IsZero() {
		v.reportReplaced(e, s, entries)
	}
	markSeen(entries) // written twice: either satisfies
	v.summary.Records++
	if s.Kind == seal.KindAdopted {
		v.summary.Adopted++
	}
}

func markSeen(entries []sealedEntry) {
	for i := range entries {
		entries[i].seen = true
	}
}

// reportReplaced names a record that was sealed with other content, too, and not at the same moment by two collectors: a record that is there is not written again, so it had gone.
func (v *tableVerifier) reportReplaced(e *session.Event, s *sealedEntry, entries []sealedEntry) {
	for i := range entries {
		other := &entries[i]
		apart := s.from.sealed.Sub(other.from.sealed).Abs()
		if other.from.trusted && apart > silentWithin && !v.mayHaveExpired(time.Unix(0, e.Time), other.from.log) && !v.isOf(other, e) {
			v.report(Finding{Kind: KindReplaced, RecordID: e.RecordID, Table: "session_events", Time: time.Unix(0, e.Time).UTC(), Log: other.from.log.name, Sealed: other.from.sealed, Detail: fmt.Sprintf(
				"it had gone, and came to a collector again with other content, such as the time at which it was read; the row is as %s has sealed it at %s", s.from.log.name, s.from.sealed.UTC().Format(time.RFC3339))})
			return
		}
	}
}

// isOverruled reports whether a key that has left seals a row, and another one has sealed something else in its place.
func (v *tableVerifier) isOverruled(s *sealedEntry, e *session.Event, entries []sealedEntry) bool {
	return s.from.unvouched && s.Kind != seal.KindConflict && slices.ContainsFunc(entries, func(other sealedEntry) bool {
		return other.from.trusted && !other.from.unvouched && !v.isOf(&other, e)
	})
}

// isFromBefore reports whether an unsealed row may be from before anything was sealed. What a log says that began later does not count: it may have begun in
// a table where others seal, such as that of an import.
func (v *tableVerifier) isFromBefore(time int64) bool {
	if len(v.logs) == 0 {
		return false
	}
	first := slices.MinFunc(v.logs, func(a, b *logHistory) int {
		return cmp.Or(a.firstSeal.Compare(b.firstSeal), cmp.Compare(a.beganAfter, b.beganAfter))
	})
	return first.beganAfter != 0 && time <= first.beganAfter
}

// sealMayBePruned reports whether an unsealed row may have expired, with its pages, and not have been dropped yet.
func (v *tableVerifier) sealMayBePruned(nanoseconds int64) bool {
	at := time.Unix(0, nanoseconds)
	return slices.ContainsFunc(v.walks, func(w *logWalk) bool { return w.log.pruned > 0 && v.mayHaveExpired(at, w.log) })
}

func (v *tableVerifier) noteMissing(s *sealedEntry, table string, several bool) {
	at := time.Unix(0, s.Time).UTC()
	switch {
	case s.seen:
	case v.erased.cover(s.ID, s.from.sealedRange):
		v.summary.Erased++
	case !s.from.trusted:
		v.summary.Unjudged++
	case s.from.first < s.from.log.pruned: // the collector has let go of the entry
		v.summary.Expired++
	case v.mayHaveExpired(at, s.from.log):
		v.summary.Expired++
	default:
		detail := ""
		if several {
			detail = "a version of the record that was kept aside"
		}
		if len(v.erased[s.ID]) > 0 {
			detail = "its erasure was stated, but not of what this log has sealed"
		}
		v.missing = append(v.missing, missingRecord{s.from.sealedRange, Finding{Kind: KindRemoved, RecordID: s.ID, Table: table, Time: at, Log: s.from.log.name, Sealed: s.from.sealed, Detail: detail}})
	}
}
