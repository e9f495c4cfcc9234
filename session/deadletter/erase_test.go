package deadletter

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// isOfUser chooses the records of one of the two users of page.
func isOfUser(name string) func(plog.Logs) bool {
	return func(ld plog.Logs) bool {
		value, _ := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("user.name")
		return value.Str() == name
	}
}

const erasedUser = "line\nbreak <b>&"

func TestOnlyWhatIsChosenIsErased(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	other := mustOpen(t, dir, at(21))
	require.NoError(t, other.Write(t.Context(), plog.NewLogs(), errPoison))
	torn := filepath.Join(dir, "x.2026-11-19.jsonl")
	require.NoError(t, os.WriteFile(torn, []byte("{torn"), 0o600))

	found, err := Erase(t.Context(), dir, true, isOfUser(erasedUser))
	require.NoError(t, err)
	require.Equal(t, 4, found)
	entries, _ := readAll(t, dir)
	require.Len(t, entries, 8, "they were only counted")

	found, err = Erase(t.Context(), dir, false, isOfUser(erasedUser))
	require.NoError(t, err)
	require.Equal(t, 4, found)
	require.NoError(t, l.Write(t.Context(), page(), errPoison), "the file was written anew under a writer")
	entries, bad := readAll(t, dir)
	require.Len(t, entries, 4+8)
	require.Len(t, bad, 1)
	left, err := os.ReadFile(torn)
	require.NoError(t, err)
	require.Equal(t, "{torn", string(left), "nothing of it was chosen")

	found, err = Erase(t.Context(), filepath.Join(dir, "none"), false, isOfUser(erasedUser))
	require.NoError(t, err)
	require.Zero(t, found)
}

// TestAnErasureThatWasCutShortGoesOn: whatever stood in the file is there until the rest of it is.
func TestAnErasureThatWasCutShortGoesOn(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	path := l.pathOfDay("2026-11-20")
	require.NoError(t, os.Rename(path, path+erasingExtension))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	for range 2 {
		_, _ = Erase(t.Context(), dir, false, isOfUser(erasedUser))
	}
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	require.Len(t, entries, 8)
	_, err := os.Stat(path + erasingExtension)
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestErasureBesideWriters: what is written meanwhile is there.
func TestErasureBesideWriters(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, dir, at(20))
	require.NoError(t, l.Write(t.Context(), page(), errPoison))
	const times = 200
	var writing sync.WaitGroup
	writing.Go(func() {
		for range times {
			if err := l.Write(t.Context(), page(), errPoison); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	})
	_, err := Erase(t.Context(), dir, false, isOfUser(erasedUser))
	require.NoError(t, err)
	writing.Wait()
	entries, bad := readAll(t, dir)
	require.Empty(t, bad)
	others := 0
	for _, e := range entries {
		if !isOfUser(erasedUser)(e.Record) {
			others++
		}
	}
	require.Equal(t, 4*(times+1), others)
}
