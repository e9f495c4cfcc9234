package sealtest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/erasure"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealing"
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/sealquery"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/session"
)

// noErasing is a backend whose process is killed before it deletes.
type noErasing struct{ backend.SealedBackend }

func (noErasing) EraseRecords(context.Context, []session.ID, bool) error {
	return errors.New("killed")
}

// overtaken has another erasure run before it deletes.
type overtaken struct {
	backend.SealedBackend
	by func()
}

func (o *overtaken) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	if by := o.by; by != nil {
		o.by = nil
		by()
	}
	return o.SealedBackend.EraseRecords(ctx, ids, onlyConflicts)
}

func person(name string) *erasure.Choice {
	choice := &erasure.Choice{}
	choice.AddPerson(name)
	return choice
}

// forget erases, as the command does, and tells how many records.
func (r *sealRig) forget(choice *erasure.Choice) (records int, err error) {
	r.t.Helper()
	inner := r.db.Open(r.t, r.ttl).(backend.SealedBackend)
	log, err := sealing.OpenErasureLog(inner, r.cfg)
	require.NoError(r.t, err)
	if r.wrap != nil {
		inner = r.wrap(inner)
	}
	require.NoError(r.t, inner.Start(r.t.Context()))
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, errors.Join(store.Close(), inner.Shutdown(context.Background()))) }()
	if r.asked != nil {
		store = r.asked(store)
	}
	x := erasure.Erasure{Backend: inner, Store: store, Log: log, Reason: "request 4711"}
	return x.Run(r.t.Context(), choice)
}

// forgetting: what was stated and erased is no finding. What is only erased is.
func forgetting(t *testing.T, r *sealRig) {
	r.write(numbers(0, 40), forgedBy("mallory", numbers(30, 31)), forgedBy("trudy", numbers(31, 32)))
	chosen := person("user-17")
	chosen.Records = []session.ID{idOf(18), idOf(5000)}
	r.requireForgotten(chosen, 2, 2)
	r.requireForgotten(chosen, 0, 2)
	r.requireForgotten(person("mallory"), 1, 3)
	require.Equal(t, []string{"1"}, r.db.Column(t, "SELECT count(*) FROM session_events WHERE "+ofUser(30)), "only the version that was kept aside is hers")
	chosen = person("user-23")
	chosen.AddPerson("trudy")
	r.requireForgotten(chosen, 2, 5)
	r.db.Delete(t, events, ofUser(21))
	summary, found := r.verify(r.heads()...)
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found), "erased by hand")
	require.Equal(t, 36, summary.Records)
}

func (r *sealRig) requireForgotten(choice *erasure.Choice, records, erased int) {
	r.t.Helper()
	n, err := r.forget(choice)
	require.NoError(r.t, err)
	require.Equal(r.t, records, n)
	summary, found := r.verify()
	require.Equal(r.t, erased, summary.Erased)
	require.Empty(r.t, found)
}

// erasureCutShort: what was stated and not erased is a finding until it is; so is what comes again, and an erasure may run within another.
func erasureCutShort(t *testing.T, r *sealRig) {
	r.write(numbers(0, 40), forgedBy("trudy", numbers(31, 32)))
	r.requireForgotten(person("user-17"), 1, 1)
	r.write(numbers(17, 18))
	summary, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindReturned}, findingKinds(found), "a source tells it again")
	require.Zero(t, summary.Tampering)

	r.wrap = func(b backend.SealedBackend) backend.SealedBackend { return noErasing{b} }
	_, err := r.forget(person("user-20"))
	require.ErrorContains(t, err, "killed")
	r.wrap = nil
	_, found = r.verify()
	require.ElementsMatch(t, []verify.Kind{verify.KindReturned, verify.KindNotErased}, findingKinds(found))
	again := person("user-20")
	again.AddPerson("user-17")
	r.requireForgotten(again, 2, 3)

	r.wrap = func(b backend.SealedBackend) backend.SealedBackend {
		r.wrap = nil
		return &overtaken{b, func() {
			_, err := r.forget(person("user-22"))
			require.NoError(t, err)
		}}
	}
	chosen := person("user-23")
	chosen.AddPerson("trudy")
	r.requireForgotten(chosen, 2, 6)
}

// erasureElsewhere: two tables have the same records under one key. What is erased of one, by any of its collectors, says nothing of the other, whoever copies the statement, and
// the log of whom it is about.
func erasureElsewhere(t *testing.T, r *sealRig) {
	other := r.withWriter(r.another(), "b")
	other.write(numbers(0, 20))
	r.write(numbers(0, 10))
	r.withWriter(r.db, "c").write(numbers(10, 20))
	erased := person("user-7")
	erased.AddPerson("user-17")
	_, err := r.forget(erased)
	require.NoError(t, err)
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, 2, summary.Erased, "of both collectors")

	other.db.Delete(t, events, ofUser(7))
	requireRemoved := func(more ...verify.Kind) {
		t.Helper()
		_, found := other.verify()
		require.ElementsMatch(t, append(more, verify.KindRemoved), findingKinds(found))
	}
	requireRemoved()
	r.copyLog(other, "a/forget")
	requireRemoved(verify.KindStatementRefused)
	r.copyLog(other, "a")
	requireRemoved(verify.KindRolledBack) // that of the third collector, which the statement names
}

// retentionElsewhere: a retention that was stated in another table, under the same key, expires nothing here. In this one it does, also of who came later.
func retentionElsewhere(t *testing.T, r *sealRig) {
	r.write(hours(0, 10))
	other := r.withWriter(r.another(), "b")
	other.ttl = time.Since(time.Unix(0, firstTime).Add(5 * time.Hour))
	other.write()
	r.db.Delete(t, events, ofUser(2))
	requireRemoved := func(want ...verify.Kind) {
		t.Helper()
		r.at = time.Now()
		_, found := r.verify(r.heads()...)
		require.Equal(t, want, findingKinds(found))
	}
	requireRemoved(verify.KindRemoved)
	other.copyLog(r, "b")
	requireRemoved(verify.KindRemoved)
	here := r.withWriter(r.db, "c")
	here.ttl = other.ttl
	here.write()
	requireRemoved()
}

// statementsOfACopy: what is stated in a copy of the table, of hours ago, under the same key, excuses nothing in the table.
func statementsOfACopy(t *testing.T, outer *sealRig) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, outer.another())
		r.write(numbers(0, 10))
		copied := r.withWriter(outer.another(), "a")
		r.copyLog(copied, "a")
		rows := copied.db.Open(t, 0)
		require.NoError(t, rows.Start(t.Context()))
		writeEvents(t, rows, numbers(0, 10))
		require.NoError(t, rows.Shutdown(context.Background()))
		time.Sleep(time.Hour)
		r.write(numbers(10, 20))
		time.Sleep(2 * time.Hour)
		_, err := copied.forget(person("user-7"))
		require.NoError(t, err)

		r.db.Delete(t, events, ofUser(7))
		copied.copyLog(r, "a/forget")
		_, found := r.verify(r.heads()...)
		require.ElementsMatch(t, []verify.Kind{verify.KindStatementRefused, verify.KindRemoved}, findingKinds(found))
	})
}

// withWriter is another collector with the same key.
func (r *sealRig) withWriter(db Database, writer string) *sealRig {
	other := &sealRig{t: r.t, db: db, log: r.log, cfg: r.cfg, public: r.public, at: r.at}
	other.cfg.Directory, other.cfg.Writer = filepath.Join(r.t.TempDir(), "seal"), writer
	return other
}

// copyLog copies what a table has of a log into another one.
func (r *sealRig) copyLog(other *sealRig, writer string) {
	r.t.Helper()
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	inner := other.db.Open(r.t, 0).(backend.SealedBackend)
	require.NoError(r.t, inner.Start(r.t.Context()))
	for s, err := range sealquery.Seals(r.t.Context(), store, keyName+"/"+writer, 0) {
		require.NoError(r.t, err)
		require.NoError(r.t, inner.AppendSeal(r.t.Context(), &s.Seal))
	}
	require.NoError(r.t, errors.Join(store.Close(), inner.Shutdown(context.Background())))
}

// erasuresAtOnce come out whole.
func erasuresAtOnce(t *testing.T, r *sealRig) {
	r.write(numbers(0, 40))
	var all sync.WaitGroup
	erased := make([]int, 3)
	for n := range erased {
		all.Go(func() {
			records, err := r.forget(person(fmt.Sprint("user-", n)))
			assert.NoError(t, err)
			erased[n] = records
		})
	}
	all.Wait()
	summary, found := r.verify()
	require.Empty(t, found)
	require.Equal(t, []int{1, 1, 1}, erased)
	require.Equal(t, []int{3, 37}, []int{summary.Erased, summary.Records})
}

// newHeadsAreNotKept: a log goes on, and the heads of it that are kept elsewhere are old: what it loses after them would not be seen.
func newHeadsAreNotKept(t *testing.T, outer *sealRig) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, outer.another())
		r.write(numbers(0, 10))
		old := r.heads()
		time.Sleep(time.Hour)
		r.write(numbers(10, 20))
		r.maxAge, r.at = 10*time.Minute, time.Now()
		_, found := r.verify(old...)
		require.Equal(t, []verify.Kind{verify.KindStale}, findingKinds(found))
		_, found = r.verify(r.heads()...)
		require.Empty(t, found)
		r.at = r.at.AddDate(-1, 0, 0)
		_, found = r.verify(r.heads()...)
		require.Equal(t, []verify.Kind{verify.KindStale}, findingKinds(found), "a clock was ahead")
		require.Contains(t, found[0].Detail, "ahead of this clock")
		other := r.withWriter(r.db, "b")
		other.write(numbers(20, 30))
		r.at = time.Now()
		_, found = r.verify(r.heads()...)
		require.Equal(t, []verify.Kind{verify.KindStale}, findingKinds(found), "no head of the other log is kept")
	})
}

// recordReplaced: somebody deletes a record, and tells it to the collector once more, otherwise: a version of his own is sealed as any other.
func recordReplaced(t *testing.T, outer *sealRig) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, outer.another())
		r.write(numbers(0, 10))
		time.Sleep(2 * time.Hour)
		r.db.Delete(t, events, "user_name IN ('user-3', 'user-7')")
		r.write(chainEvents(numbers(3, 4), forgedBy("mallory", numbers(7, 8))))
		_, found := r.verify(r.heads()...)
		require.Equal(t, []verify.Kind{verify.KindReplaced}, findingKinds(found))
		require.Equal(t, idOf(7), found[0].RecordID)
	})
}

// namedLogRemoved: the log of another writer is removed, with its rows, of which no head was kept. A statement names its end, so that it is noticed until who has the key acknowledges it.
func namedLogRemoved(t *testing.T, r *sealRig) {
	r.withWriter(r.db, "b").write(numbers(0, 5))
	r.ttl = time.Since(time.Unix(0, firstTime)) + 24*time.Hour
	r.write(numbers(5, 10))
	remove := func(writer string, condition string) {
		for _, table := range []string{seals, pages} {
			r.db.Delete(t, table, "log = '"+keyName+"/"+writer+"' AND "+condition)
		}
	}
	remove("b", "first >= 0")
	r.db.Delete(t, events, "user_name IN ('user-0', 'user-1', 'user-2', 'user-3', 'user-4')")
	requireFound := func(want ...verify.Kind) {
		t.Helper()
		_, found := r.verify(r.heads()...)
		require.Equal(t, want, findingKinds(found), "%+v", found)
	}
	requireFound(verify.KindRolledBack)
	require.Equal(t, keyName+"/b", r.acknowledge())
	requireFound(verify.KindAcknowledged)

	r.withWriter(r.db, "c").write(numbers(10, 15))
	_, err := r.forget(person("user-11"))
	require.NoError(t, err)
	requireFound(verify.KindAcknowledged)
	remove("c", "first >= 0")
	r.db.Delete(t, events, "user_name IN ('user-10', 'user-12', 'user-13', 'user-14')")
	requireFound(verify.KindRolledBack, verify.KindAcknowledged)
}

// acknowledge signs what of the logs that statements name is lost, and gives the names of these.
func (r *sealRig) acknowledge() (logs string) {
	r.t.Helper()
	keys, err := seal.ParseKeys(r.public...)
	require.NoError(r.t, err)
	store, err := r.db.Ask(r.t.Context())
	require.NoError(r.t, err)
	losses, err := verify.FindLost(r.t.Context(), store, verify.Options{Keys: keys, At: time.Now()})
	require.NoError(r.t, err)
	log, err := sealing.OpenLossLog(r.db.Open(r.t, 0), r.cfg)
	require.NoError(r.t, err)
	require.NoError(r.t, errors.Join(log.Acknowledge(r.t.Context(), store, losses, "it was of a test"), store.Close()))
	for _, l := range losses {
		logs += l.Log
	}
	return logs
}
