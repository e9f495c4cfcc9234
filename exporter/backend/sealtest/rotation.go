package sealtest

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
)

// newKey makes a key in a file of its own.
func (r *sealRig) newKey() (file, public string) {
	r.t.Helper()
	secret, public, err := seal.GenerateKey(keyName)
	require.NoError(r.t, err)
	file = filepath.Join(r.t.TempDir(), "seal.key")
	require.NoError(r.t, os.WriteFile(file, []byte(secret), 0o600))
	return file, public
}

// keyHandsOver: who trusts the old key trusts the one that it has named; who has the new one alone learns of the old.
func keyHandsOver(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	_, err := r.forget(person("user-2"))
	require.NoError(t, err)
	oldFile, oldKey := r.cfg.KeyFile, r.public[0]
	nextFile, nextKey := r.newKey()
	r.cfg.NextKeyFile, r.cfg.Interval = nextFile, time.Minute
	killed := r.start()
	t.Cleanup(func() { _ = killed.Shutdown(context.Background()) })
	r.keepKilled(func() { r.write(numbers(10, 20)) }) // before the next key has signed anything
	r.write(numbers(20, 30))
	_, found := r.verify()
	require.Empty(t, found)
	next, err := seal.ParseKeys(nextKey)
	require.NoError(t, err)
	last := r.heads()[len(r.heads())-1]
	require.Len(t, next.Opening(last, keyName+"/a"), 1, "the next key signs by now")
	r.public = []string{oldKey}
	_, err = r.forget(person("user-1"))
	require.NoError(t, err)
	_, found = r.verify(r.heads()...)
	require.Empty(t, found, "the next key signs erasures too")
	r.cfg.KeyFile, r.cfg.NextKeyFile = nextFile, ""
	r.write(numbers(30, 40))
	require.Zero(t, r.alarms)
	heads := r.heads()
	for _, trusted := range []struct {
		keys   []string
		want   []verify.Kind
		erased int
	}{
		{[]string{oldKey}, nil, 2},
		{[]string{oldKey, nextKey}, nil, 2},
		{[]string{nextKey}, []verify.Kind{verify.KindKeyRetired, verify.KindUnknownLog, verify.KindRemoved}, 1},
	} {
		r.public = trusted.keys
		summary, found := r.verify(heads...)
		require.Equal(t, trusted.want, findingKinds(found))
		require.Equal(t, 38, summary.Records)
		require.Equal(t, trusted.erased, summary.Erased)
		require.Equal(t, len(heads), summary.HeadsHeld)
	}
	r.cfg.KeyFile = oldFile
	_, err = r.forget(person("user-5"))
	require.ErrorContains(t, err, "the next one takes over")
	r.asked = func(s query.Store) query.Store { return unaskedStore{s} }
	_, err = r.forget(person("user-5"))
	require.NoError(t, err)
	r.public = []string{oldKey, nextKey}
	_, found = r.verify(heads...)
	require.Equal(t, []verify.Kind{verify.KindKeyLeft, verify.KindStatementRefused, verify.KindRemoved}, findingKinds(found), "whoever has the old key erases nothing")
	r.keyNamesAnother(oldFile)
	r.write(numbers(40, 50))
	for _, keys := range [][]string{{oldKey}, {oldKey, nextKey}} {
		r.public = keys
		_, found := r.verify()
		require.Contains(t, findingKinds(found), verify.KindForgedHead, "the old key has left")
	}
}

// unaskedStore is that of a program which does not ask whether its key has left.
type unaskedStore struct{ query.Store }

func (s unaskedStore) Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]query.Cell, error] {
	if strings.Contains(sql, "LIKE '%key next %'") {
		return func(func([]query.Cell, error) bool) {}
	}
	return s.Store.Rows(ctx, sql, expressions)
}

// keyNamesAnother: whoever has the old key has it name one of his own, which then states an erasure.
func (r *sealRig) keyNamesAnother(oldFile string) {
	r.t.Helper()
	thief := r.withWriter(r.db, "thief")
	thief.cfg.KeyFile, thief.asked = oldFile, r.asked
	thief.cfg.NextKeyFile, _ = thief.newKey()
	thief.write()
	_, err := thief.forget(person("user-6"))
	require.NoError(r.t, err)
	for _, keys := range [][]string{r.public, r.public[:1]} {
		thief.public = keys
		_, found := thief.verify()
		require.Contains(r.t, findingKinds(found), verify.KindKeyForked)
		removed := slices.DeleteFunc(found, func(f verify.Finding) bool { return f.Kind != verify.KindRemoved || f.RecordID != idOf(6) })
		require.Len(r.t, removed, 1)
	}
}

// leftKeyExcuses: whoever has the key before states a retention that is about this table, and seals what he has changed.
func leftKeyExcuses(t *testing.T, r *sealRig) {
	r.write(hours(0, 20))
	r.cfg.NextKeyFile, _ = r.newKey()
	r.write()
	thief := r.withWriter(r.another(), "thief")
	thief.cfg.NextKeyFile = ""
	thief.write(forgedBy("mallory", hours(3, 4)))
	r.copyLog(thief, "a")
	thief.ttl = time.Since(time.Unix(0, firstTime).AddDate(0, 0, 5))
	thief.write()
	thief.copyLog(r, "thief")
	r.db.Delete(t, events, ofUser(5))
	r.db.Update(t, events, "user_name", "'mallory'", ofUser(3))
	r.at = time.Now()
	_, found := r.verify()
	require.ElementsMatch(t, []verify.Kind{verify.KindKeyLeft, verify.KindRemoved, verify.KindAltered}, findingKinds(found))
}

// leftKeyPrunes: a collector that still has the key before lets go of seals, which is in order once its key is rotated, too.
func leftKeyPrunes(t *testing.T, r *sealRig) {
	late := r.withWriter(r.db, "b")
	late.write(hours(0, 200), hours(200, 400), hours(400, 500))
	r.cfg.NextKeyFile, _ = r.newKey()
	r.write()
	late.pruneOnce(300)
	late.at = time.Now()
	_, found := late.verify()
	require.Contains(t, findingKinds(found), verify.KindStatementRefused)
	late.cfg.NextKeyFile = r.cfg.NextKeyFile
	late.write()
	late.requireNothingFound()
}

// exchangedKey: to whom is not given the key that was exchanged, each seal of it is one finding, however often the end of the log is looked at.
func exchangedKey(t *testing.T, r *sealRig) {
	r.write(numbers(0, 10))
	r.cfg.KeyFile, _ = r.newKey()
	r.write(numbers(10, 11))
	r.sealWait = 10 * time.Millisecond
	_, found := r.verify()
	require.Equal(t, []verify.Kind{verify.KindForgedHead, verify.KindForgedHead, verify.KindInserted}, findingKinds(found))
}
