package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestOverwrittenBesideAnotherLog: `cp copy.db session_log.db; mv copy.db-wal session_log.db-wal`, as somebody restores a database with its
// log under a running program. The log that was open belongs to the file that was: it must not get into the restored one, whose own log must stay.
func TestOverwrittenBesideAnotherLog(t *testing.T) {
	for name, restored := range map[string]int{"a smaller database": 50, "a larger database": 1200} {
		for _, checkpointed := range []bool{true, false} {
			for _, then := range []string{"write", "shut down"} {
				t.Run(name+", "+then, func(t *testing.T) {
					t.Parallel()
					overwrittenBesideAnotherLog(t, restored, checkpointed, then == "write")
				})
			}
		}
	}
}

func overwrittenBesideAnotherLog(t *testing.T, restored int, checkpointed, write bool) {
	source := filled(t, restored)
	other := startStore(t, source)
	_, err := other.Write(t.Context(), typical(10_000, 10_100))
	require.NoError(t, err)
	replacement := copyOfFiles(t, source)
	content, err := os.ReadFile(replacement.Path)
	require.NoError(t, err)

	cfg := filled(t, 500)
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	if !checkpointed {
		_, err = s.Write(t.Context(), typical(20_000, 20_500))
		require.NoError(t, err)
	}
	time.Sleep(10 * time.Millisecond)
	backup := copyOfFiles(t, cfg)
	acknowledged := stored(t, copyOfFiles(t, cfg))
	require.NoError(t, os.Rename(cfg.Path+"-wal", backup.Path+"-wal"))
	copyOver(t, cfg.Path, content)
	require.NoError(t, os.Rename(replacement.Path+"-wal", cfg.Path+"-wal"))

	kept := restored + 100
	if write {
		_, err = s.Write(t.Context(), typical(30_000, 30_010))
		if err != nil {
			requireFault(t, err, ErrDamaged, cfg)
			_, err = s.Write(t.Context(), typical(30_000, 30_010))
		}
		require.NoError(t, err)
		kept += 10
		requireSound(t, cfg)
		require.Equal(t, kept, stored(t, cfg), "while it is open")
	}
	require.NoError(t, s.Shutdown(context.Background()))
	requireSound(t, cfg)
	require.Equal(t, kept, stored(t, cfg), "of the restored file, its log and what came after")
	requireSound(t, backup)
	require.Equal(t, acknowledged, stored(t, backup), "the old file was copied, its log moved: together they have all that was acknowledged")
}

// TestAnotherLogBesideOurFile: only the log is replaced. What was acknowledged gets into the file, and the other log is kept under another name.
func TestAnotherLogBesideOurFile(t *testing.T) {
	source := filled(t, 100)
	_, err := startStore(t, source).Write(t.Context(), typical(10_000, 10_100))
	require.NoError(t, err)
	replacement := copyOfFiles(t, source)
	foreignLog, err := os.ReadFile(replacement.Path + "-wal")
	require.NoError(t, err)

	cfg := filled(t, 1000)
	s := startStore(t, cfg)
	_, err = s.Write(t.Context(), typical(20_000, 20_500))
	require.NoError(t, err)
	require.NoError(t, os.Rename(replacement.Path+"-wal", cfg.Path+"-wal"))
	res, err := s.Write(t.Context(), typical(30_000, 30_010))
	require.NoError(t, err)
	require.Equal(t, 10, res.Written)
	require.Equal(t, 1510, stored(t, cfg))
	requireSound(t, cfg)
	kept, err := filepath.Glob(cfg.Path + "-wal.*")
	require.NoError(t, err)
	require.Len(t, kept, 1)
	content, err := os.ReadFile(kept[0])
	require.NoError(t, err)
	require.Equal(t, foreignLog, content)
}
