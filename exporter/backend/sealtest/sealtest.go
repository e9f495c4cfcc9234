// Package sealtest is the test of backends that keep seals: a collector writes, is killed, comes back; somebody who may write into the database changes what he likes; and
// whoever has the public key finds it.
package sealtest

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
)

const (
	firstTime = 1_790_000_000_000_000_000
	keyName   = "audit.example.net/logins"
)

// Database is one, empty at first, and what its administrator does. Tables are named as in docs/schema.md; values are literals, of texts in single quotes.
type Database interface {
	// Open makes a backend that is not started yet; many may be started, one after the other or at once.
	Open(t testing.TB, ttl time.Duration) backend.Backend
	Ask(ctx context.Context) (query.Store, error)
	Update(t testing.TB, table, column, value, where string)
	Delete(t testing.TB, table, where string)
	// CopyEvents puts rows in that are as others, under an id of their own, or, where it is zero, under the same one.
	CopyEvents(t testing.TB, where string, id session.ID)
	// Disguise has a value of a row read as before, and not be found by a condition. It tells whether that is possible.
	Disguise(t testing.TB, table, where string) bool
	// Respell has the attributes of a row read as before, and be stored as the program does not write them.
	Respell(t testing.TB, where string)
	// Repeat has each row of a table be there twice. It tells whether that is possible.
	Repeat(t testing.TB, table string) bool
	Bytes(b []byte) string
	// Column is what a statement gives.
	Column(t testing.TB, sql string) []string
}

var parts = map[string]func(*testing.T, *sealRig){
	"WhatWasWrittenIsVerified":           whatWasWritten,
	"AKillBeforeTheSeal":                 killBeforeSeal,
	"AKillBeforeTheCommit":               killBeforeCommit,
	"AKillBehindTheSeal":                 killBehindSeal,
	"AnUnknownOutcome":                   unknownOutcome,
	"WhatIsForgedMeanwhileIsNeverSealed": forgedMeanwhile,
	"ACutEndIsFound":                     cutEnd,
	"ACutWhileItRuns":                    cutWhileItRuns,
	"TwoCollectorsOfOneName":             twoCollectors,
	"Retention":                          retention,
	"WhatHasExpiredIsPruned":             pruning,
	"PruningThatWasForged":               prunedByForgery,
	"AKeyIsRotated":                      rotation,
	"WithoutAJournal":                    withoutJournal,
	"ManyWriters":                        manyWriters,
	"AKeyThatIsMissing":                  missingKey,
	"SealsThatCannotBeStored":            sealsFail,
	"AKillWithConflicts":                 killWithConflicts,
	"FatesWithinABatch":                  fatesInABatch,
	"VersionsWithinABatch":               versionsInABatch,
	"AnUnknownOutcomeAcrossARestart":     unknownAcrossARestart,
	"AnUnknownOutcomeOfTwoVersions":      unknownOfTwoVersions,
	"AForgottenLog":                      forgottenLog,
	"ATornState":                         tornState,
	"AStartWithoutSeals":                 startWithoutSeals,
	"AFolderForTwo":                      sharedFolder,
	"AServerThatIsSilent":                silentServer,
	"AConflictThatIsNotSealedYet":        lateConflict,
	"PruningThatWasCutShort":             prunedHalf,
	"AHeadThatIsTorn":                    tornHead,
	"AWitnessCosignsHeads":               witnessCosigns,
	"AnImportBesideACollector":           importBeside,
	"OddRecords":                         oddRecords,
	"MoreSealsThanAreReadAtOnce":         manySeals,
	"TwoCollectorsOfTheSameRecords":      sameRecords,
	"WhatIsForgottenIsNoTampering":       forgetting,
	"AnErasureThatIsCutShort":            erasureCutShort,
	"AnErasureOfAnotherTable":            erasureElsewhere,
	"ARetentionOfAnotherTable":           retentionElsewhere,
	"StatementsOfAnOldCopy":              statementsOfACopy,
	"NewHeadsAreNotKept":                 newHeadsAreNotKept,
	"ALogThatIsNamedIsRemoved":           namedLogRemoved,
	"ARecordIsReplaced":                  recordReplaced,
	"SealsThatAreThereTwice":             repeatedSeals,
	"TwoErasuresAtOnce":                  erasuresAtOnce,
	"TwoRetentions":                      twoRetentions,
	"AKeyHandsOver":                      keyHandsOver,
	"AKeyIsExchanged":                    exchangedKey,
	"AKeyThatHasLeftExcusesNothing":      leftKeyExcuses,
	"AKeyThatHasLeftPrunes":              leftKeyPrunes,
	"HostileRecordsAreNotDisguised":      hostileRecords,
	"PruningWhileItIsVerified":           prunedMeanwhile,
	"ForgettingWhileItIsVerified":        forgottenMeanwhile,
	"ARecordDatedAheadIsCarried":         datedAhead,
	"WhatIsAdoptedIsProtected":           adopting,
	"ARecordDatedAheadIsAdopted":         begunAhead,
}

// sameEverywhere are the parts about what lies before every backend alike: key, folder, state, journal, pages of seals. One backend is enough for them.
var sameEverywhere = []string{
	"AKillBeforeTheCommit", "AKillBehindTheSeal", "WithoutAJournal", "AKeyIsRotated", "AKeyThatIsMissing", "SealsThatCannotBeStored", "AnUnknownOutcomeAcrossARestart", "AnUnknownOutcomeOfTwoVersions",
	"AForgottenLog", "ATornState", "AStartWithoutSeals", "AFolderForTwo", "AServerThatIsSilent", "AHeadThatIsTorn", "AWitnessCosignsHeads", "AnImportBesideACollector", "PruningThatWasCutShort", "PruningThatWasForged", "TwoRetentions",
	"MoreSealsThanAreReadAtOnce", "AKeyHandsOver", "PruningWhileItIsVerified", "ForgettingWhileItIsVerified", "ARecordDatedAheadIsCarried", "ARecordDatedAheadIsAdopted",
	"AKeyIsExchanged", "AKeyThatHasLeftExcusesNothing", "AKeyThatHasLeftPrunes", "AnErasureOfAnotherTable", "ARetentionOfAnotherTable", "StatementsOfAnOldCopy", "NewHeadsAreNotKept", "ALogThatIsNamedIsRemoved", "ARecordIsReplaced",
	"ACutEndIsFound", "Retention", "AConflictThatIsNotSealedYet", "WhatIsAdoptedIsProtected", "AnErasureThatIsCutShort",
}

// Run tests a backend; each part has a database of its own.
func Run(t *testing.T, database func(t *testing.T) Database) { runAllBut(t, nil, nil, database) }

// RunStored is Run without the parts that are the same with every backend.
func RunStored(t *testing.T, database func(t *testing.T) Database) {
	runAllBut(t, sameEverywhere, readAlike, database)
}

func runAllBut(t *testing.T, leftOut, attacksLeftOut []string, database func(t *testing.T) Database) {
	for name := range parts {
		if !slices.Contains(leftOut, name) {
			RunPart(t, name, database)
		}
	}
	t.Run("Attacks", func(t *testing.T) { runAttacks(t, attacksLeftOut, database) })
}

// RunPart tests one thing.
func RunPart(t *testing.T, name string, database func(t *testing.T) Database) {
	t.Run(name, func(t *testing.T) {
		r := newRig(t, database(t))
		r.another = func() Database { return database(t) }
		parts[name](t, r)
	})
}

// sealRig is a database, a collector that seals what it writes into it, and somebody who can write into it too.
type sealRig struct {
	t       testing.TB
	db      Database
	another func() Database
	ttl     time.Duration
	cfg     sealing.Config
	public  []string
	alarms  int
	log     *zap.Logger

	retentions []string                                          // that were listed
	wrap       func(backend.SealedBackend) backend.SealedBackend // what stands before the database; nil: nothing
	at         time.Time                                         // when it is verified

	sealWait     time.Duration
	asked        func(query.Store) query.Store // what stands before the store that is verified; nil: nothing
	acknowledged []string                      // alarms
	maxAge       time.Duration
	cosigned     atomic.Int64
	alone        atomic.Int64 // heads that a witness did not cosign
}

func newRig(t testing.TB, db Database) *sealRig {
	dir := t.TempDir()
	secret, public, err := seal.GenerateKey(keyName)
	require.NoError(t, err)
	r := &sealRig{t: t, db: db, log: zap.NewNop(), cfg: sealing.DefaultConfig(), public: []string{public}, at: time.Now()}
	r.cfg.KeyFile, r.cfg.Directory, r.cfg.Writer, r.cfg.Interval = filepath.Join(dir, "seal.key"), filepath.Join(dir, "seal"), "a", 0
	require.NoError(t, os.WriteFile(r.cfg.KeyFile, []byte(secret+"\n"), 0o600))
	require.NoError(t, r.cfg.Validate())
	return r
}

func (r *sealRig) CountSealed(context.Context, uint64, uint64) {}

func (r *sealRig) CountAlarm(context.Context) { r.alarms++ }

func (r *sealRig) CountCosigned(_ context.Context, isCosigned bool) {
	if isCosigned {
		r.cosigned.Add(1)
	} else {
		r.alone.Add(1)
	}
}

// start starts a collector, whose end is the caller's.
func (r *sealRig) start() backend.Backend {
	r.t.Helper()
	b, err := r.tryStart()
	require.NoError(r.t, err)
	return b
}

func (r *sealRig) tryStart() (backend.Backend, error) {
	r.t.Helper()
	inner := r.db.Open(r.t, r.ttl)
	if r.wrap != nil {
		inner = r.wrap(inner.(backend.SealedBackend))
	}
	b, err := sealing.New(inner, r.cfg, r.ttl, r.db.Ask, r.log, r)
	require.NoError(r.t, err)
	return b, b.Start(r.t.Context())
}

// write has a collector write events, and end.
func (r *sealRig) write(all ...iter.Seq2[int, *session.Event]) {
	r.t.Helper()
	b := r.start()
	for _, events := range all {
		_, err := b.Write(r.t.Context(), events)
		require.NoError(r.t, err)
	}
	require.NoError(r.t, b.Shutdown(context.Background()))
}

func numbers(from, to int) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		var e session.Event
		for n := from; n < to; n++ {
			sessiontest.Typical(&e, n)
			e.Time = firstTime + int64(n)*1_000_000_000
			e.User, e.RecordID = fmt.Sprint("user-", n), idOf(n)
			if n%40 == 19 {
				e.Extra = append(e.Extra, session.Attr{Key: "size", Value: "1e3", Type: session.AttrDouble}, session.Attr{Key: "mtu", Value: "1500"})
				e.Profiles = append(e.Profiles, "not UTF-8 \xff")
			}
			if !yield(n-from, &e) {
				return
			}
		}
	}
}

// idOf begins with the time of the event.
func idOf(n int) session.ID {
	ms := uint64(firstTime/1_000_000 + int64(n)*1000)
	return session.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x80, 0, 0x80, 14: byte(n >> 8), 15: byte(n)}
}

func (r *sealRig) verify(heads ...string) (verify.Summary, []verify.Finding) {
	r.t.Helper()
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(r.t, err)
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, store.Close()) }()
	if r.asked != nil {
		store = r.asked(store)
	}
	var found []verify.Finding
	summary, err := verify.Run(r.t.Context(), store, verify.Options{Keys: keys, Heads: heads, At: r.at, SealWait: r.sealWait, Acknowledged: r.acknowledged, MaxAge: r.maxAge}, func(f verify.Finding) {
		if f.Kind == verify.KindRetention {
			r.retentions = append(r.retentions, f.Detail)
		} else if f.Kind != verify.KindNoCopies && f.Kind != verify.KindErasure {
			found = append(found, f)
		}
	})
	require.NoError(r.t, err)
	return summary, found
}

// heads are those that the collector has given away.
func (r *sealRig) heads() []string {
	content, err := os.ReadFile(filepath.Join(r.cfg.Directory, "heads"))
	require.NoError(r.t, err)
	return seal.HeadsIn(string(content))
}
