package sealtest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	events    = "session_events"
	conflicts = "session_conflicts"
	seals     = "session_seals"
	pages     = "session_seal_pages"
)

func ofUser(n int) string { return fmt.Sprintf("user_name = 'user-%d'", n) }

// attack is what somebody does who may write into the database and has no key, and what is found. Records are numbers, -1 stands for none.
type attack struct {
	do   func(r *sealRig)
	want map[verify.Kind][]int
}

// attacksBeside are each on rows or logs of their own: what is found of one says nothing of another, and all are tried in one database.
var attacksBeside = []attack{
	// a column is changed
	{func(r *sealRig) { r.db.Update(r.t, events, "user_name", "'mallory'", ofUser(17)) }, map[verify.Kind][]int{verify.KindAltered: {17}}},
	// a trace is put in
	{func(r *sealRig) { r.db.Update(r.t, events, "correlation", "'query_log'", ofUser(5)) }, map[verify.Kind][]int{verify.KindAltered: {5}}},
	// nothing but the hash is changed by which writers compare
	{func(r *sealRig) { r.db.Update(r.t, events, "content_hash", r.db.Bytes(make([]byte, 16)), ofUser(9)) }, map[verify.Kind][]int{verify.KindAltered: {9}}},
	// rows are deleted
	{func(r *sealRig) { r.db.Delete(r.t, events, "user_name IN ('user-20', 'user-21')") }, map[verify.Kind][]int{verify.KindRemoved: {20, 21}}},
	// a row is put in
	{func(r *sealRig) { r.db.CopyEvents(r.t, ofUser(7), idOf(20_000)) }, map[verify.Kind][]int{verify.KindInserted: {20_000}}},
	// a row takes the place of another
	{func(r *sealRig) {
		r.db.Delete(r.t, events, ofUser(18))
		r.db.CopyEvents(r.t, ofUser(8), idOf(18))
	}, map[verify.Kind][]int{verify.KindAltered: {18}}},
	// attributes are respelled
	{func(r *sealRig) { r.db.Respell(r.t, ofUser(19)) }, map[verify.Kind][]int{verify.KindDisguised: {19}}},
	// a conflict is deleted
	{func(r *sealRig) { r.db.Delete(r.t, conflicts, "user_name = 'trudy'") }, map[verify.Kind][]int{verify.KindRemoved: {31}}},
	// the second version wins
	{func(r *sealRig) { r.db.Update(r.t, events, "user_name", "'mallory'", ofUser(30)) }, map[verify.Kind][]int{verify.KindAltered: {30}}},
	// a log of one's own
	{func(r *sealRig) {
		stranger := newRig(r.t, r.db)
		stranger.cfg.Writer = "stranger"
		stranger.write(numbers(50, 51))
	}, map[verify.Kind][]int{verify.KindUnknownLog: {-1}, verify.KindInserted: {50}}},
	// pages are removed, and their seal is not
	{func(r *sealRig) { r.db.Delete(r.t, pages, r.ofLog("b")) }, map[verify.Kind][]int{verify.KindPagesMissing: {-1}, verify.KindInserted: {34, 35}}},
	// seals are removed, and their pages are not
	{func(r *sealRig) { r.db.Delete(r.t, seals, r.ofLog("c")) }, map[verify.Kind][]int{verify.KindPagesMissing: {-1}, verify.KindInserted: {37, 38}}},
}

// readAlike are attacks on what every backend stores and reads as the same bytes: one backend is enough for them. A row can be there twice in SQLite alone.
var readAlike = []string{
	"a statement is changed", "a seed is changed", "entries are removed", "an id is cut short", "a head is overwritten", "heads are exchanged", "a row is there twice",
}

// runAttacks tries each of docs/evidence.md but those that are left out.
func runAttacks(t *testing.T, leftOut []string, database func(t *testing.T) Database) {
	t.Run("beside each other", func(t *testing.T) {
		all := attack{want: map[verify.Kind][]int{}}
		for _, a := range attacksBeside {
			for kind, records := range a.want {
				all.want[kind] = append(all.want[kind], records...)
			}
		}
		all.do = func(r *sealRig) {
			for _, a := range attacksBeside {
				a.do(r)
			}
			// a value is disguised, where the types of the columns leave room for that
			if r.db.Disguise(r.t, events, ofUser(22)) && r.db.Disguise(r.t, conflicts, "user_name = 'mallory'") {
				all.want[verify.KindDisguised] = append(all.want[verify.KindDisguised], 22, 30)
			}
		}
		r := newRig(t, database(t))
		r.withWriter(r.db, "b").write(numbers(34, 36), numbers(36, 37))
		r.withWriter(r.db, "c").write(numbers(37, 39), numbers(39, 40))
		all.run(r)
	})
	zero := make([]byte, 32)
	for name, a := range map[string]attack{
		"a row is there twice": {func(r *sealRig) { r.db.CopyEvents(r.t, ofUser(17), session.ID{}) }, map[verify.Kind][]int{verify.KindTwice: {17}}},
		"a statement is changed": {func(r *sealRig) {
			r.db.Update(r.t, pages, "texts", "replace(texts, 'retention unlimited', 'retention 1h0m0s')", "first = 0")
		}, map[verify.Kind][]int{verify.KindStatementAltered: {-1}}},
		"a seed is changed":     {func(r *sealRig) { r.db.Update(r.t, pages, "seed", r.db.Bytes(zero), r.ofRecords()) }, map[verify.Kind][]int{verify.KindSeedAltered: {-1}}},
		"entries are removed":   {func(r *sealRig) { r.db.Update(r.t, pages, "manifest", "substr(manifest, 1, 66)", r.ofRecords()) }, map[verify.Kind][]int{verify.KindPagesAltered: {-1}}},
		"an id is cut short":    {func(r *sealRig) { r.db.Update(r.t, pages, "min_id", r.db.Bytes(zero[:1]), r.ofRecords()) }, map[verify.Kind][]int{verify.KindPagesAltered: {-1}}},
		"a head is overwritten": {func(r *sealRig) { r.db.Update(r.t, seals, "head", "'x'", r.ofRecords()) }, map[verify.Kind][]int{verify.KindForgedHead: {-1}}},
		"heads are exchanged": {func(r *sealRig) {
			first := r.db.Column(r.t, "SELECT head FROM session_seals WHERE first = 0")[0]
			r.db.Update(r.t, seals, "head", "'"+first+"'", "first > 0")
		}, map[verify.Kind][]int{verify.KindPagesAltered: {-1}}},
	} {
		if !slices.Contains(leftOut, name) {
			t.Run(name, func(t *testing.T) { a.run(newRig(t, database(t))) })
		}
	}
}

// ofRecords is the condition for the seal of the first records.
func (r *sealRig) ofRecords() string {
	return "first = " + r.db.Column(r.t, "SELECT min(first) FROM session_seals WHERE entries > 0")[0]
}

// ofLog is the condition for the seal of a writer's records.
func (r *sealRig) ofLog(writer string) string {
	log := "log = '" + keyName + "/" + writer + "'"
	return log + " AND first = " + r.db.Column(r.t, "SELECT min(first) FROM session_seals WHERE entries > 0 AND "+log)[0]
}

func (a *attack) run(r *sealRig) {
	r.write(numbers(0, 40), forgedBy("mallory", numbers(30, 31)), forgedBy("trudy", numbers(31, 32)))
	summary, found := r.verify()
	require.Empty(r.t, found)
	require.Equal(r.t, 40, summary.Records)
	require.Equal(r.t, 2, summary.Conflicts)
	a.do(r)
	summary, found = r.verify()
	require.Positive(r.t, summary.Tampering)
	named := map[verify.Kind][]int{}
	for _, f := range found {
		named[f.Kind] = append(named[f.Kind], numberOf(f.RecordID))
	}
	for kind, records := range a.want {
		require.NotEmpty(r.t, named[kind], "%s: %+v", kind, found)
		if records[0] >= 0 || len(records) > 1 {
			require.ElementsMatch(r.t, records, named[kind], "%s: %+v", kind, found)
		}
	}
}

func numberOf(id session.ID) int {
	for n := range 20_001 {
		if id == idOf(n) {
			return n
		}
	}
	return -1
}

// whatWasWritten is verified, with heads that were kept elsewhere and without.
func whatWasWritten(t *testing.T, r *sealRig) {
	r.write(numbers(0, 5000), numbers(5000, 5001), numbers(4990, 5010))
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 5010, summary.Records)
	require.Equal(t, 1, summary.Logs)
	summary, found = r.verify(r.heads()...)
	require.Empty(t, found)
	require.Equal(t, len(r.heads()), summary.HeadsHeld)
	require.Positive(t, summary.HeadsHeld)
	r.proveRecords(idOf(0), idOf(4095), idOf(5000), idOf(5009))
}

// proveRecords to whoever has the key, without the table.
func (r *sealRig) proveRecords(some ...session.ID) {
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(r.t, err)
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, store.Close()) }()
	for _, id := range some {
		e, err := sealquery.ReadRecord(r.t.Context(), store, id)
		require.NoError(r.t, err)
		proof, err := sealquery.Prove(r.t.Context(), store, e)
		require.NoError(r.t, err)
		shown, err := proof.Check(keys)
		require.NoError(r.t, err)
		require.Equal(r.t, id, shown.Event.RecordID)
	}
	_, err = sealquery.ReadRecord(r.t.Context(), store, idOf(20_000))
	require.ErrorIs(r.t, err, sealquery.ErrNoRecord)
}
