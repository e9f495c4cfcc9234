package sealtest

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/erasure"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// pruneOnce has a collector with a ttl let go of seals.
func (r *sealRig) pruneOnce(hour int) {
	r.t.Helper()
	first := func() string {
		return r.db.Column(r.t, "SELECT min(first) FROM session_seal_pages WHERE log = '"+keyName+"/"+r.cfg.Writer+"'")[0]
	}
	before := first()
	r.ttl = pruningAfter(hour)
	b := r.start()
	require.Eventually(r.t, func() bool { return first() != before }, 20*time.Second, 20*time.Millisecond)
	require.NoError(r.t, b.Shutdown(context.Background()))
}

func (r *sealRig) requireNothingFound() verify.Summary {
	r.t.Helper()
	r.at = time.Now()
	summary, found := r.verify()
	for _, f := range found { // rows that ttl has not dropped yet
		require.Equal(r.t, verify.KindUnprotected, f.Kind, "%+v", f)
	}
	return summary
}

// interruptedStore has something happen before the first seal is read once more.
type interruptedStore struct {
	query.Store
	happen func()
}

func (s *interruptedStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	if s.happen != nil && (strings.Contains(sql, " AND first = ") || strings.Contains(sql, " AND first <= ") && strings.Contains(sql, " session_seals ")) {
		happen := s.happen
		s.happen = nil
		happen()
	}
	return s.Store.Rows(ctx, sql, expressions)
}

// prunedMeanwhile: seals that are let go of between two looks are no finding, and no error. What is removed so is one.
func prunedMeanwhile(t *testing.T, r *sealRig) {
	r.write(hours(0, 200), hours(200, 400), hours(400, 500))
	interrupt := func(happen func()) {
		r.asked = func(s query.Store) query.Store { return &interruptedStore{s, happen} }
	}
	interrupt(func() { r.pruneOnce(300) })
	r.requireNothingFound()
	interrupt(func() {
		r.db.Delete(t, pages, "first = "+r.db.Column(t, "SELECT max(first) FROM session_seal_pages WHERE max_id <> "+r.db.Bytes(make([]byte, 16)))[0])
	})
	_, found := r.verify()
	require.Contains(t, findingKinds(found), verify.KindPagesMissing)
}

// forgottenMeanwhile: what is stated and erased between two looks is no finding. What is erased without a statement is one.
func forgottenMeanwhile(t *testing.T, r *sealRig) {
	r.write(numbers(0, 20), forgedBy("mallory", numbers(3, 4)))
	interrupt := func(happen func()) (verify.Summary, []verify.Finding) {
		r.asked = func(s query.Store) query.Store {
			return &interruptedStore{s, func() { r.asked = nil; happen() }}
		}
		return r.verify(r.heads()...)
	}
	forget := func(who *erasure.Choice) {
		_, err := r.forget(who)
		require.NoError(t, err)
	}
	chosen := person("user-7")
	chosen.AddPerson("mallory")
	summary, found := interrupt(func() { forget(chosen) })
	require.Empty(t, found)
	require.Equal(t, 2, summary.Erased)
	_, found = interrupt(func() {
		forget(person("user-8"))
		r.db.Delete(t, events, ofUser(9))
	})
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found))
	require.Equal(t, idOf(9), found[0].RecordID)
	_, found = interrupt(func() { r.withWriter(r.db, "b").write(numbers(30, 35)) })
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found), "another log begins")

	r.asked, r.wrap = nil, func(b backend.SealedBackend) backend.SealedBackend { return noErasing{b} }
	_, err := r.forget(person("user-11"))
	require.ErrorContains(t, err, "killed")
	r.wrap, r.sealWait = nil, 20*time.Second
	erased := make(chan struct{})
	time.AfterFunc(100*time.Millisecond, func() { _, _ = r.forget(person("user-11")); close(erased) })
	_, found = r.verify()
	<-erased
	require.Equal(t, []verify.Kind{verify.KindRemoved}, findingKinds(found), "one is under way")
}

// datedAhead: a record whose clock is twenty years ahead holds no other's seal.
func datedAhead(t *testing.T, r *sealRig) {
	future := time.Now().AddDate(20, 0, 0).UnixNano()
	ahead := datedEvents(future, numbers(7, 8))
	r.write(chainEvents(hours(0, 200), ahead), chainEvents(forgedBy("mallory", ahead), hours(200, 400)), hours(400, 500))
	r.pruneOnce(300)
	summary := r.requireNothingFound()
	require.Equal(t, 1, summary.Conflicts)
	r.db.Update(t, events, "client_name", "'x'", ofUser(7))
	_, found := r.verify()
	require.Contains(t, findingKinds(found), verify.KindAltered, "it is sealed still")
}

func datedEvents(nanoseconds int64, events iter.Seq2[int, *session.Event]) iter.Seq2[int, *session.Event] {
	return func(yield func(int, *session.Event) bool) {
		for i, e := range events {
			e.Time = nanoseconds
			ms := nanoseconds / 1_000_000
			e.RecordID = session.ID{byte(ms >> 40), byte(ms >> 32), byte(ms >> 24), byte(ms >> 16), byte(ms >> 8), byte(ms), 0x80, 8: 0x80}
			if !yield(i, e) {
				return
			}
		}
	}
}

// begunAhead: a record that was there before the log, and whose clock is ahead, has nothing that is put in later seem to be from before.
func begunAhead(t *testing.T, r *sealRig) {
	before := r.db.Open(t, 0)
	require.NoError(t, before.Start(t.Context()))
	writeEvents(t, before, chainEvents(numbers(0, 5), datedEvents(time.Now().AddDate(20, 0, 0).UnixNano(), numbers(7, 8))))
	require.NoError(t, before.Shutdown(context.Background()))
	now := time.Now().UnixNano()
	r.write(datedEvents(now, numbers(8, 9)))
	summary, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindUnprotected}, findingKinds(found))
	require.Equal(t, 1, summary.Adopted)
	require.Equal(t, 5, summary.Unprotected)
	forger := r.db.Open(t, 0)
	require.NoError(t, forger.Start(t.Context()))
	writeEvents(t, forger, datedEvents(time.Now().AddDate(1, 0, 0).UnixNano(), numbers(9, 10)))
	require.NoError(t, forger.Shutdown(context.Background()))
	_, found = r.verify()
	require.Contains(t, findingKinds(found), verify.KindInserted)
}

// prunedByForgery: somebody has a page that tells of what he deletes seem to have expired, or to have gone before, so that the collector itself lets go of it.
func prunedByForgery(t *testing.T, outer *sealRig) {
	for _, forge := range []func(r *sealRig, page string){
		func(r *sealRig, page string) { r.db.Update(t, pages, "manifest", r.db.Bytes(nil), page) },
		func(r *sealRig, page string) { r.db.Delete(t, pages, page) },
	} {
		r := newRig(t, outer.another())
		r.write(hours(0, 200), hours(700, 701), hours(200, 400))
		forge(r, "first = "+r.db.Column(t, "SELECT first FROM session_seals WHERE entries = 1")[0])
		r.db.Delete(t, events, ofUser(700))
		r.pruneOnce(600)
		_, found := r.verify(r.heads()...)
		require.NotEmpty(t, slices.DeleteFunc(found, func(f verify.Finding) bool {
			return f.Kind != verify.KindPagesAltered && f.Kind != verify.KindPagesMissing
		}))
	}
}
