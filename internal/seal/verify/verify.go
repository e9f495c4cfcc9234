// Package verify holds the records of a backend against their seals: which were altered, removed or put in between, and what nothing protects.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Kind is what was found.
type Kind string

// Kinds of findings. Those from KindUnprotected on are no evidence of tampering: something is not protected.
const (
	KindAltered          Kind = "altered"           // the row is not as it was sealed
	KindDisguised        Kind = "disguised"         // a cell reads as it was sealed, and conditions do not find it
	KindRemoved          Kind = "removed"           // a sealed record has no row, and has not expired
	KindInserted         Kind = "inserted"          // the row is in no seal
	KindNotErased        Kind = "not erased"        // the row is there, though its erasure was stated
	KindTwice            Kind = "twice"             // a second row with one id
	KindPagesMissing     Kind = "pages missing"     // seals, or what they seal, were removed
	KindPagesAltered     Kind = "pages altered"     // the entries of a seal are not those that were signed
	KindSeedAltered      Kind = "seed altered"      // the seed of a seal's entries is not the one that was signed
	KindStatementAltered Kind = "statement altered" // a statement is not as it was signed
	KindForgedHead       Kind = "forged head"       // a head that no trusted key has signed, in a log that one of them signs
	KindUnknownLog       Kind = "unknown log"       // a log that no trusted key has signed
	KindStatementRefused Kind = "statement refused" // a statement that excuses something, which is not about this table, or whose key has left
	KindKeyForked        Kind = "key forked"        // a key has named two that follow it, one of which is not given
	KindAlarm            Kind = "alarm"             // the collector itself has found that the log had lost its end
	KindRolledBack       Kind = "rolled back"       // the log ends before a head that was kept elsewhere
	KindForked           Kind = "forked"            // the log is another one than that of a head that was kept elsewhere

	KindUnprotected Kind = "not sealed"   // rows from before the log began
	KindReturned    Kind = "returned"     // a record that was erased has come again, and is stored
	KindReplaced    Kind = "replaced"     // a record was written again long after it had been sealed with other content: it had gone meanwhile
	KindStale       Kind = "stale"        // the last head is old
	KindNoCopies    Kind = "no copies"    // no heads that were kept elsewhere are given: a log that was cut looks like a shorter one
	KindKeyRetired  Kind = "key retired"  // a log begins under a key that is not given: the one that is has said that it followed
	KindKeyLeft     Kind = "key left"     // a key signs a log after another log has said that the next one took over
	KindUnknownHead Kind = "unknown head" // among the heads that were kept elsewhere: no trusted key has signed it
	KindNoSeals     Kind = "no seals"
	KindNotCosigned Kind = "not cosigned" // no head that was kept elsewhere is cosigned by a witness that is asked for

	KindAcknowledged Kind = "acknowledged" // an alarm that whoever verifies knows of, or heads that are stated to be lost: it does not count
	KindErasure      Kind = "erasure"      // one that was stated: it does not count
	KindRetention    Kind = "retention"    // from when on records expire, and after how long: it does not count
)

// IsTampering reports whether a finding is evidence of tampering.
func (k Kind) IsTampering() bool {
	return !slices.Contains([]Kind{KindUnprotected, KindReturned, KindReplaced, KindStale, KindNoCopies, KindKeyRetired, KindKeyLeft, KindUnknownHead, KindNoSeals, KindNotCosigned, KindAcknowledged, KindErasure, KindRetention}, k)
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind     Kind       `json:"kind"`
	RecordID session.ID `json:"-"`
	Record   string     `json:"record_id,omitempty"`
	Table    string     `json:"table,omitempty"`
	Time     time.Time  `json:"time,omitzero"` // of the event
	Log      string     `json:"log,omitempty"`
	Sealed   time.Time  `json:"sealed,omitzero"`
	Detail   string     `json:"detail,omitempty"`

	// Of an erasure.
	Records int    `json:"records,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Signer  string `json:"signer,omitempty"`

	// Acknowledge names an alarm for Options.Acknowledged.
	Acknowledge string `json:"acknowledge,omitempty"`

	until uint64 // the page before which something is missing
}

// Options of a verification.
type Options struct {
	Keys  seal.Keys
	Heads []string // signed heads that were kept elsewhere
	// Witnesses are public keys of witnesses. What one of them has cosigned is a head that was kept elsewhere, whoever kept it.
	Witnesses seal.Keys
	// Acknowledged are alarms that are known, by Finding.Acknowledge.
	Acknowledged []string
	MaxAge       time.Duration // of the last head; 0: any
	At           time.Time     // now
	// SealWait is how long rows without a seal may wait for theirs, where a collector writes meanwhile.
	SealWait time.Duration
	// Progress is called now and then with the rows that have been read.
	Progress func(rows int)
	// Unprotected is called for each row from before the first log began; the event is valid until it returns.
	Unprotected func(*session.Event)
}

// Summary is what was verified.
type Summary struct {
	Records     int       `json:"records"` // rows that are as they were sealed
	Adopted     int       `json:"adopted"` // of Records: those that were found, not written through the collector
	Conflicts   int       `json:"conflicts"`
	Expired     int       `json:"expired"` // sealed, and gone by the retention that was stated
	Erased      int       `json:"erased"`  // sealed, and gone by an erasure that was stated
	Unjudged    int       `json:"unjudged"`
	Unprotected int       `json:"unprotected"`
	Tampering   int       `json:"tampering"`
	Weak        int       `json:"weak"` // findings that are no evidence of tampering
	Logs        int       `json:"logs"`
	First       time.Time `json:"first,omitzero"` // seal
	Last        time.Time `json:"last,omitzero"`
	HeadsHeld   int       `json:"heads"`    // copies that were compared
	Cosigned    int       `json:"cosigned"` // of HeadsHeld: those that a witness has cosigned
}

type tableVerifier struct {
	Options
	store   query.Store
	report  func(Finding)
	summary Summary

	seals       []sealedRange
	walks       []*logWalk
	logs        []*logHistory
	losses      []*acknowledgedLoss
	alarms      []lostEndAlarm
	retired     seal.Keys // keys that another one has followed, and that are not given
	successions []keySuccession
	given       seal.Keys
	signing     seal.Keys // those that have signed something
	left        []leftKeys
	vouched     []vouchedHead
	headsFound  map[seal.Head]foundHead
	lost        map[string]*seal.Loss // heads of each log that nobody has acknowledged

	committer   *seal.Committer // of the seal that was asked last
	committerOf *sealedRange

	hashes []hashedRow // of a stretch
	hasher session.Hasher

	begun      time.Time
	known      int // seals when the records were read; those after it came meanwhile
	unsealed   []waitingRow
	missing    []missingRecord
	names      []string // of logs, trusted or not
	boundSeals int      // whose erasures have found what they are about

	waitUntil time.Time // of the first batch with more unsealed rows than are remembered
	erased    erasedRecords
}

// now goes on while the rows are read: some expire meanwhile.
func (v *tableVerifier) now() time.Time { return v.At.Add(time.Since(v.begun)) }

// sealedRange is a seal that can be trusted.
type sealedRange struct {
	log       *logHistory
	first     uint64
	entries   uint64
	min, max  session.ID
	sealed    time.Time
	trusted   bool // false: only its range is known
	gone      bool // since
	unvouched bool // signed by a key that had been replaced, after what it had signed by then
	erasure   *statedErasure
}

type logHistory struct {
	name       string
	firstSeal  time.Time
	beganAfter int64 // events up to this time may be unsealed; 0: none
	retentions []statedRetention
	pruned     uint64        // the page before which the log says that there is nothing any more
	prunedAt   uint64        // page of the seal that says so
	beside     []*logHistory // logs of the table in which it has stated a retention
}

type statedRetention struct {
	from  time.Time
	ttl   time.Duration // 0: unlimited
	first uint64        // page of its seal
	about []seal.Head   // of the table's other logs
}

func newVerifier(store query.Store, o Options, report func(Finding)) *tableVerifier {
	v := &tableVerifier{Options: o, store: store, begun: time.Now(), headsFound: map[seal.Head]foundHead{}, lost: map[string]*seal.Loss{}}
	v.Keys = slices.Clip(v.Keys)
	v.given = v.Keys
	v.report = func(f Finding) {
		switch {
		case f.Kind == KindAcknowledged || f.Kind == KindErasure || f.Kind == KindRetention:
		case f.Kind.IsTampering():
			v.summary.Tampering++
		default:
			v.summary.Weak++
		}
		if f.RecordID != (session.ID{}) {
			f.Record = f.RecordID.String()
		}
		report(f)
	}
	return v
}

// Run verifies all that a store has. Findings are reported as they are found. An error says that it could not be done.
func Run(ctx context.Context, store query.Store, o Options, report func(Finding)) (Summary, error) {
	v := newVerifier(store, o, report)
	if err := v.checkLogs(ctx); err != nil {
		return v.summary, err
	}
	if err := v.checkRecords(ctx); err != nil {
		return v.summary, err
	}
	if err := v.checkLateSeals(ctx, time.Now().Add(v.SealWait)); err != nil {
		return v.summary, err
	}
	if err := v.checkDisguises(ctx); err != nil {
		return v.summary, err
	}
	if v.summary.Unprotected > 0 {
		v.report(Finding{Kind: KindUnprotected, Detail: fmt.Sprintf("%d records from before the log began", v.summary.Unprotected)})
	}
	return v.summary, nil
}

func (v *tableVerifier) checkLogs(ctx context.Context) error {
	names, err := sealquery.Logs(ctx, v.store)
	if err != nil {
		return err
	}
	v.names = names
	copies := make([]keptHead, len(v.Heads))
	for i, text := range v.Heads {
		copies[i].text = text
	}
	if err := v.checkEachLog(ctx, names, copies); err != nil {
		return err
	}
	v.checkSuccessions()
	if err := v.reportLeftKeys(ctx); err != nil {
		return err
	}
	copies = v.leaveOutUnknownHeads(copies)
	v.markPruned(copies)
	if err := v.checkErasures(ctx); err != nil {
		return err
	}
	if err := v.bindRetentions(ctx); err != nil {
		return err
	}
	v.checkAlarms()
	if err := v.checkLosses(ctx); err != nil {
		return err
	}
	v.checkKeptHeads(copies)
	if err := v.checkNamedHeads(ctx); err != nil {
		return err
	}
	v.reportLosses()
	v.reportRetentions()
	v.checkWitnesses(copies)
	v.checkAgeOfCopies(copies)
	v.reportAbsent(copies)
	return nil
}

func (v *tableVerifier) markPruned(copies []keptHead) {
	for i := range copies {
		for _, w := range v.walks {
			copies[i].pruned = copies[i].pruned || copies[i].log == w.log.name && copies[i].size < w.log.pruned
		}
	}
}

func (v *tableVerifier) reportAbsent(copies []keptHead) {
	switch {
	case len(v.logs) == 0:
		v.report(Finding{Kind: KindNoSeals, Detail: "no log is signed by a trusted key: nothing is protected"})
	case len(copies) == 0:
		v.report(Finding{Kind: KindNoCopies, Detail: "give heads that were kept elsewhere: a log whose end was cut off looks like a shorter one"})
	}
}

// checkEachLog checks a log later where another one may say that the key is to be trusted which has signed it.
func (v *tableVerifier) checkEachLog(ctx context.Context, names []string, copies []keptHead) error {
	for {
		trusted := len(v.Keys)
		var unknown []*logWalk
		for _, name := range names {
			w, err := v.checkLog(ctx, name, copies)
			if err != nil {
				return err
			}
			if !w.known {
				unknown = append(unknown, w)
			}
		}
		if names = nil; len(v.Keys) == trusted {
			for _, w := range unknown {
				v.reportUnknownLog(w)
			}
			return nil
		}
		for _, w := range unknown {
			names = append(names, w.log.name)
		}
	}
}

func (v *tableVerifier) reportUnknownLog(w *logWalk) {
	f := Finding{Kind: KindUnknownLog, Log: w.log.name, Detail: "no trusted key has signed it: what it seals counts for nothing"}
	if len(v.retired.Opening(w.head, w.log.name)) > 0 {
		f.Detail = "a key has signed it that another log says was retired: name that with --key where you trust it"
	}
	v.report(f)
}

// leaveOutUnknownHeads leaves out heads that no trusted key has signed.
func (v *tableVerifier) leaveOutUnknownHeads(copies []keptHead) (known []keptHead) {
	for _, c := range copies {
		origin, _, _ := strings.Cut(c.text, "\n")
		if _, _, err := v.keptKeys().Open(c.text, origin); err != nil && c.log == "" {
			v.report(Finding{Kind: KindUnknownHead, Detail: fmt.Sprintf("%q is no head, or is signed by no trusted key: it says nothing of the table", c.text)})
			continue
		}
		known = append(known, c)
	}
	return known
}

type logWalk struct {
	*tableVerifier
	log      *logHistory
	tip      seal.Tip
	known    bool // a trusted key has signed some of it
	bad      []Finding
	reported map[Finding]bool
	last     time.Time
	end      seal.Tip // after the last seal that is signed

	anchor uint64 // where the log begins: what is before must have been pruned
	ends   bool   // it is of a command, which does not run on
	head   string // the last one
	keyRotation
}

func (v *tableVerifier) checkLog(ctx context.Context, name string, copies []keptHead) (*logWalk, error) {
	w, err := v.walkLog(ctx, name, copies)
	if err != nil || !w.known {
		return w, err
	}
	v.walks = append(v.walks, w)
	w.reportRetired()
	if w.anchor > w.log.pruned {
		v.report(Finding{Kind: KindPagesMissing, Log: name, Detail: fmt.Sprintf("pages 0 to %d", w.anchor-1)})
	}
	w.reportBad()
	v.logs = append(v.logs, w.log)
	v.summary.Logs++
	if v.summary.Last.Before(w.last) {
		v.summary.Last = w.last
	}
	if !v.isFresh(w.last) && !w.ends {
		v.report(Finding{Kind: KindStale, Log: name, Sealed: w.last, Detail: "the last head is " + v.ageText(w.last)})
	}
	return w, nil
}

// reportBad leaves out what is missing of what was let go of: the deletion may have been cut short.
func (w *logWalk) reportBad() {
	for _, f := range w.bad {
		if (f.until == 0 || f.until > w.log.pruned) && !w.reported[f] {
			w.reported[f] = true // what is after the last trusted seal is read again with each look for late ones
			w.report(f)
		}
	}
	w.bad = nil
}

func (w *logWalk) checkSeal(s *sealquery.StoredSeal) {
	before := w.tip
	w.tip = seal.Tip{Size: s.First + s.Pages, Edge: s.Edge}
	r := sealedRange{log: w.log, first: s.First, entries: s.Entries, min: s.MinID, max: s.MaxID}
	w.head = s.Head
	keys := w.keysAt(s.First)
	head, sealed, signer, err := keys.OpenBy(s.Head, s.Log)
	if err != nil {
		w.bad = append(w.bad, Finding{Kind: KindForgedHead, Log: s.Log, Sealed: sealed, Detail: pageText(s) + ": " + err.Error()})
		return
	}
	r.trusted = w.judgePages(s, before, head, sealed)
	w.end = w.tip
	if !w.signing.Contains(signer) {
		w.signing = append(w.signing, signer)
	}
	if w.log.firstSeal.IsZero() {
		w.log.firstSeal = sealed
	}
	w.noteSigner(s, sealed)
	if w.last, w.known, r.sealed = sealed, true, sealed; w.summary.First.IsZero() || sealed.Before(w.summary.First) {
		w.summary.First = sealed
	}
	if r.trusted {
		w.readStatements(s, &r)
	}
	if s.Entries > 0 && s.HasPages {
		w.seals = append(w.seals, r)
	}
}

func pageText(s *sealquery.StoredSeal) string {
	return fmt.Sprintf("pages %d to %d", s.First, s.First+s.Pages-1)
}

// judgePages reports whether what a seal has may be trusted: its pages follow those before, and are those of its head.
func (w *logWalk) judgePages(s *sealquery.StoredSeal, before seal.Tip, head seal.Head, sealed time.Time) (isTrusted bool) {
	finding := func(kind Kind, detail string) {
		w.bad = append(w.bad, Finding{Kind: kind, Log: s.Log, Sealed: sealed, Detail: detail})
	}
	missing := func(until uint64, detail string) {
		w.bad = append(w.bad, Finding{Kind: KindPagesMissing, Log: s.Log, Sealed: sealed, Detail: detail, until: until})
	}
	root, err := w.tip.Root()
	switch {
	case err != nil || root != head.Root || head.Size != w.tip.Size:
		finding(KindPagesAltered, pageText(s)+": the edge is not that of the signed head")
	case before.Size == 0 && s.First > 0 && !s.HasPages: // the next one is checked from its edge
		w.anchor = s.First + s.Pages
	case s.First != before.Size:
		missing(s.First, fmt.Sprintf("pages %d to %d: %d records of the next seal cannot be judged", before.Size, s.First-1, s.Entries))
	case !s.HasPages:
		missing(s.First+s.Pages, fmt.Sprintf("%s: %d records cannot be judged", pageText(s), s.Entries))
	default:
		err = s.CheckOpened(before, head)
		for _, known := range []struct {
			err  error
			kind Kind
		}{{seal.ErrPagesAltered, KindPagesAltered}, {seal.ErrSeedAltered, KindSeedAltered}, {seal.ErrStatementAltered, KindStatementAltered}, {seal.ErrForgedHead, KindForgedHead}} {
			if errors.Is(err, known.err) {
				finding(known.kind, fmt.Sprintf("%s: %d records", pageText(s), s.Entries))
			}
		}
		return err == nil || onlyStatements(err)
	}
	return false
}

func onlyStatements(err error) bool {
	return errors.Is(err, seal.ErrStatementAltered) && !errors.Is(err, seal.ErrSeedAltered) && !errors.Is(err, seal.ErrPagesAltered)
}

type keptHead struct {
	text    string
	log     string
	forked  bool
	matched bool
	size    uint64
	pruned  bool // it is older than what the log still has
	tried   int  // how many keys have not opened it
}

// isOpenedAt reports whether it is to be opened where a log ends at a page: a signature costs more than all else, and there are many heads and many seals.
func (c *keptHead) isOpenedAt(log string, keys int, end uint64) bool {
	switch c.log {
	case log:
		return c.size == end
	case "":
		return c.tried != keys && strings.HasPrefix(c.text, log+"\n")
	}
	return false
}

// compareHeads compares heads of this log with what it is at their size.
func compareHeads(keys seal.Keys, copies []keptHead, name string, s *sealquery.StoredSeal, tip seal.Tip) {
	for i := range copies {
		c := &copies[i]
		if !c.isOpenedAt(name, len(keys), s.First+s.Pages) {
			continue
		}
		head, _, err := keys.Open(c.text, name)
		if err != nil {
			c.tried = len(keys)
			continue
		}
		c.log = name
		if c.size = head.Size; head.Size != s.First+s.Pages {
			continue
		}
		root, err := tip.Root()
		c.matched = err == nil && root == head.Root
		c.forked = !c.matched
	}
}

// checkKeptHeads names one head that is lost of each log: an old copy of the table may lack a week of them.
func (v *tableVerifier) checkKeptHeads(copies []keptHead) {
	lost := map[lostHeads]int{}
	var first []keptHead
	for _, c := range copies {
		switch {
		case c.matched:
			v.summary.HeadsHeld++
		case c.pruned:
		case v.isStatedLost(&c):
		case v.isAcknowledged(&c):
			v.report(Finding{Kind: KindAcknowledged, Log: c.log, Detail: fmt.Sprintf("%q is lost, as the alarm says", c.text)})
		default:
			of := c.lostAs()
			v.noteLost(&c)
			if lost[of] == 0 {
				first = append(first, c)
			}
			lost[of]++
		}
	}
	for _, c := range first {
		f := Finding{Kind: KindRolledBack, Log: c.log, Detail: fmt.Sprintf("%q is not in the table", c.text)}
		if c.forked {
			f.Kind, f.Detail = KindForked, fmt.Sprintf("%q is of another log", c.text)
		}
		if others := lost[c.lostAs()] - 1; others > 0 {
			f.Detail += fmt.Sprintf("; kept heads like it: %d more", others)
		}
		v.report(f)
	}
}

// lostHeads are those of a log that the table does not have, or has another log in the place of.
type lostHeads struct {
	log    string
	forked bool
}

func (c *keptHead) lostAs() lostHeads {
	log, _, _ := strings.Cut(c.text, "\n")
	return lostHeads{log, c.forked}
}

// keptKeys are those whose heads may have been kept: a witness gives back what it has cosigned itself.
func (v *tableVerifier) keptKeys() seal.Keys { return slices.Concat(v.Keys, v.Witnesses) }

// checkWitnesses reports each witness that has cosigned nothing of what the table has, or not of late.
func (v *tableVerifier) checkWitnesses(copies []keptHead) {
	cosigned := map[string]bool{}
	for _, witness := range v.Witnesses {
		var last time.Time
		for _, c := range copies {
			_, at, err := seal.Keys{witness}.Open(c.text, c.log)
			if err != nil || !c.matched {
				continue
			}
			if cosigned[c.text] = true; at.After(last) {
				last = at
			}
		}
		switch {
		case last.IsZero():
			v.report(Finding{Kind: KindNotCosigned, Detail: fmt.Sprintf("no head that is given, and that the table has, is cosigned by %s", witness.Name())})
		case !v.isFresh(last):
			v.report(Finding{Kind: KindStale, Sealed: last, Detail: fmt.Sprintf("the last head that %s has cosigned is %s", witness.Name(), v.ageText(last))})
		}
	}
	v.summary.Cosigned = len(cosigned)
}

// checkAgeOfCopies reports each log that goes on while no new head of it is kept elsewhere: its end could be cut off unseen.
func (v *tableVerifier) checkAgeOfCopies(copies []keptHead) {
	if v.MaxAge == 0 || len(copies) == 0 {
		return
	}
	for _, w := range v.walks {
		if w.ends || !v.isFresh(w.last) { // which is reported
			continue
		}
		newest := &keptHead{}
		for i := range copies {
			if c := &copies[i]; c.matched && c.log == w.log.name && c.size >= newest.size {
				newest = c
			}
		}
		_, _, signed, isKept := v.openKept(newest)
		switch {
		case !isKept:
			v.report(Finding{Kind: KindStale, Log: w.log.name, Sealed: w.last, Detail: "no head of it that the table has was kept elsewhere"})
		case !v.isFresh(signed):
			v.report(Finding{Kind: KindStale, Log: w.log.name, Sealed: signed, Detail: "the last head of it that was kept elsewhere is " + v.ageText(signed)})
		}
	}
}

// isFresh reports whether a head is as young as it has to be. One that is dated ahead would be that until its time has come.
func (v *tableVerifier) isFresh(signed time.Time) bool {
	return v.MaxAge == 0 || v.At.Sub(signed).Abs() <= v.MaxAge
}

func (v *tableVerifier) ageText(signed time.Time) string {
	age := v.At.Sub(signed).Round(time.Second)
	if age < 0 {
		return (-age).String() + " ahead of this clock: one of the two is wrong"
	}
	return age.String() + " old"
}

// compareIDs orders ids as the backends do.
func compareIDs(a, b session.ID) int { return slices.Compare(a[:], b[:]) }

func byRange(a, b sealedRange) int {
	return cmp.Or(compareIDs(a.min, b.min), compareIDs(a.max, b.max))
}
