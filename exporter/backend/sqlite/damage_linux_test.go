package sqlite

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTouchedWhileNothingCanBeOpened: a process without free descriptors cannot check a file that was touched. That is no damage: what was
// acknowledged stays in the log, and writing goes on once files can be opened again.
func TestTouchedWhileNothingCanBeOpened(t *testing.T) {
	cfg := filled(t, 100)
	s := startStore(t, cfg)
	_, err := s.Write(t.Context(), typical(100, 200))
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(cfg.Path, time.Time{}, time.Now().Add(time.Hour)))

	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	none := limit
	none.Cur = 3
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none))
	_, err = s.Write(t.Context(), typical(200, 300))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	requireFault(t, err, ErrCannotOpen, cfg)
	require.NotErrorIs(t, err, ErrDamaged)
	logged, err := os.Stat(cfg.Path + "-wal")
	require.NoError(t, err)
	require.NotZero(t, logged.Size(), "the log is where it was")

	res, err := s.Write(t.Context(), typical(200, 300))
	require.NoError(t, err)
	require.Equal(t, 100, res.Written)
	require.Equal(t, 300, stored(t, cfg))
	aside, err := filepath.Glob(cfg.Path + "-wal.*")
	require.NoError(t, err)
	require.Empty(t, aside)
}
