package sealtest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
)

// newKey makes a key in a file of its own.
func (r *rig) newKey() (file, public string) {
	r.t.Helper()
	secret, public, err := seal.GenerateKey(keyName)
	require.NoError(r.t, err)
	file = filepath.Join(r.t.TempDir(), "seal.key")
	require.NoError(r.t, os.WriteFile(file, []byte(secret), 0o600))
	return file, public
}

// keyHandsOver: who trusts the old key trusts the one that it has named; who has the new one alone is told of the old.
func keyHandsOver(t *testing.T, r *rig) {
	r.write(numbers(0, 10))
	oldFile, oldKey := r.cfg.KeyFile, r.public[0]
	nextFile, nextKey := r.newKey()
	r.cfg.NextKeyFile, r.cfg.Interval = nextFile, time.Minute
	killed := r.start()
	t.Cleanup(func() { _ = killed.Shutdown(context.Background()) })
	r.keepKilled(func() { r.write(numbers(10, 20)) }) // before the next key has signed anything
	r.write(numbers(20, 30))
	r.requireSealed(30)
	next, err := seal.ParseKeys(nextKey)
	require.NoError(t, err)
	last := r.heads()[len(r.heads())-1]
	require.Len(t, next.Opening(last, keyName+"/a"), 1, "the next key signs by now")
	r.public = []string{oldKey}
	_, err = r.forget(person("user-1"))
	require.NoError(t, err)
	_, found := r.verify(r.heads()...)
	require.Empty(t, found, "the next key signs erasures too")
	r.cfg.KeyFile, r.cfg.NextKeyFile = nextFile, ""
	r.write(numbers(30, 40))
	require.Zero(t, r.alarms)
	heads := r.heads()
	for _, trusted := range []struct {
		keys []string
		want []verify.Kind
	}{{[]string{oldKey}, nil}, {[]string{oldKey, nextKey}, nil}, {[]string{nextKey}, []verify.Kind{verify.KindKeyRetired}}} {
		r.public = trusted.keys
		summary, found := r.verify(heads...)
		require.Equal(t, trusted.want, kinds(found))
		require.Equal(t, 39, summary.Records)
		require.Equal(t, 1, summary.Erased)
		require.Equal(t, len(heads), summary.HeadsHeld)
	}
	r.cfg.KeyFile = oldFile
	_, err = r.forget(person("user-35"))
	require.NoError(t, err)
	r.public = []string{oldKey, nextKey}
	_, found = r.verify(heads...)
	require.Equal(t, []verify.Kind{verify.KindKeyLeft}, kinds(found), "whoever has the old key erases")
	r.write(numbers(40, 50))
	for _, keys := range [][]string{{oldKey}, {oldKey, nextKey}} {
		r.public = keys
		_, found := r.verify()
		require.Contains(t, kinds(found), verify.KindForgedHead, "the old key has left")
	}
}
