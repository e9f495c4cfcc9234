package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// requireFault checks that an error will be retried, names the key, and is the expected one.
func requireFault(t *testing.T, err, want error, cfg Config) {
	t.Helper()
	require.ErrorIs(t, err, want)
	require.False(t, consumererror.IsPermanent(err), "a permanent error would throw away sound records")
	require.ErrorContains(t, err, `path "`+cfg.Path+`"`)
}

// requireSound checks the whole file.
func requireSound(t *testing.T, cfg Config) {
	t.Helper()
	require.Equal(t, [][]string{{"ok"}}, file{cfg}.Query(t, "PRAGMA integrity_check").Cells)
}

// fillUp writes until the disk is full and returns how many events are stored.
func fillUp(t *testing.T, s *eventStore) (events int) {
	for range 1000 {
		res, err := s.Write(t.Context(), typical(events, events+500))
		if err != nil {
			requireFault(t, err, ErrFull, s.cfg)
			require.ErrorContains(t, err, "free some")
			return events
		}
		require.Equal(t, 500, res.Written)
		events += 500
	}
	t.Fatal("the disk is never full")
	return 0
}

func TestDiskFull(t *testing.T) {
	cfg := DefaultConfig()
	var heal func()
	if dir, ok := smallDisk(t); ok {
		cfg.Path = filepath.Join(dir, "session_log.db")
		ballast := filepath.Join(dir, "ballast")
		require.NoError(t, os.WriteFile(ballast, make([]byte, 4<<20), 0o600))
		heal = func() { require.NoError(t, os.Remove(ballast)) }
	} else {
		cfg = testConfig(t)
	}
	s := newStore(t, cfg)
	if heal == nil {
		t.Log("no file system of its own: max_page_count stands for the disk's end")
		s.extra = []string{"PRAGMA max_page_count = 100"}
	}
	require.NoError(t, s.Start(t.Context()))
	defer func() { require.NoError(t, s.Shutdown(context.Background())) }()

	events := fillUp(t, s)
	requireSound(t, cfg)
	require.Len(t, readAll(t, cfg), events, "what was confirmed, and nothing of what was not")
	if heal == nil {
		return
	}
	heal()
	res, err := s.Write(t.Context(), typical(0, events+500))
	require.NoError(t, err)
	require.Equal(t, backend.Result{Written: 500, Duplicates: events}, res)
	requireSound(t, cfg)
}

func TestReadOnly(t *testing.T) {
	cfg := testConfig(t)
	s := newStore(t, cfg)
	s.extra = []string{"PRAGMA query_only = ON"}
	require.NoError(t, s.Start(t.Context()))
	_, err := s.Write(t.Context(), typical(0, 10))
	requireFault(t, err, ErrReadOnly, cfg)
	require.NoError(t, s.Shutdown(context.Background()))
}

// TestReadOnlyDisk has the disk itself refuse: at start, and healed without a restart of the process.
func TestReadOnlyDisk(t *testing.T) {
	dir, ok := smallDisk(t)
	cfg := DefaultConfig()
	if ok {
		cfg.Path = filepath.Join(dir, "session_log.db")
	} else {
		cfg = testConfig(t)
	}
	first := newStore(t, cfg)
	require.NoError(t, first.Start(t.Context()))
	_, err := first.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	require.NoError(t, first.Shutdown(context.Background()))

	writable := makeReadOnly(t, filepath.Dir(cfg.Path), ok)
	err = newStore(t, cfg).Start(t.Context())
	require.Error(t, err)
	require.ErrorContains(t, err, cfg.Path)
	writable()
	s := startStore(t, cfg)
	res, err := s.Write(t.Context(), typical(0, 20))
	require.NoError(t, err)
	require.Equal(t, backend.Result{Written: 10, Duplicates: 10}, res)
}

func TestLocked(t *testing.T) {
	cfg := testConfig(t)
	cfg.BusyTimeout = 60 * time.Millisecond
	s := startStore(t, cfg)
	other, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteTransient(other, "BEGIN IMMEDIATE", nil))
	_, err = s.Write(t.Context(), typical(0, 10))
	requireFault(t, err, ErrLocked, cfg)
	require.ErrorContains(t, err, "busy_timeout")

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	_, err = s.Write(ctx, typical(0, 10))
	require.Error(t, err)

	require.NoError(t, sqlitex.ExecuteTransient(other, "COMMIT", nil))
	require.NoError(t, other.Close())
	res, err := s.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	require.Equal(t, 10, res.Written)
}

// TestReaderAndWriter: an open read keeps its moment and holds nobody up; an open write is not seen.
func TestReaderAndWriter(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	_, err := s.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	reader, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, reader.Close()) }()
	count := func() int {
		n, err := sqlitex.ResultInt(reader.Prep("SELECT count(*) FROM session_events"))
		require.NoError(t, err)
		return n
	}
	require.NoError(t, sqlitex.ExecuteTransient(reader, "BEGIN", nil))
	require.Equal(t, 10, count())
	res, err := s.Write(t.Context(), typical(10, 5000))
	require.NoError(t, err)
	require.Equal(t, 4990, res.Written)
	require.Equal(t, 10, count())
	require.NoError(t, sqlitex.ExecuteTransient(reader, "COMMIT", nil))
	require.Equal(t, 5000, count())
}

func TestNotADatabase(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(cfg.Path), 0o700))
	require.NoError(t, os.WriteFile(cfg.Path, []byte("a diary, which must not be overwritten, and is longer than a header of a hundred bytes; much longer"), 0o600))
	before, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	requireFault(t, newStore(t, cfg).Start(t.Context()), ErrDamaged, cfg)
	after, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestPathIsADirectory(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Path = t.TempDir()
	require.ErrorContains(t, newStore(t, cfg).Start(t.Context()), "is a directory: name a file in it")
}

// TestPathIsALink: the file is made where the link leads, and its log stands beside it, where it is watched.
func TestPathIsALink(t *testing.T) {
	cfg := testConfig(t)
	folder := filepath.Dir(cfg.Path)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	require.NoError(t, os.Symlink("there/real.db", cfg.Path))
	require.True(t, cfg.CheckConnection(t.Context())[0].OK)
	s := newStore(t, cfg)
	require.NoError(t, s.Start(t.Context()))
	require.Equal(t, filepath.Join(folder, "there", "real.db"), s.cfg.Path)
	require.NoError(t, s.Shutdown(context.Background()))
	require.FileExists(t, filepath.Join(folder, "there", "real.db"))

	for target, want := range map[string]string{"round.db": "leads to no file", "/dev/null": "is a device"} {
		cfg.Path = filepath.Join(folder, "round.db")
		require.NoError(t, os.Symlink(target, cfg.Path))
		require.False(t, cfg.CheckConnection(t.Context())[0].OK)
		require.ErrorContains(t, newStore(t, cfg).Start(t.Context()), want)
		require.NoError(t, os.Remove(cfg.Path))
	}
}

func TestFolderCannotBeMade(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(cfg.Path), 0o700))
	require.NoError(t, os.WriteFile(cfg.Path, nil, 0o600))
	cfg.Path = filepath.Join(cfg.Path, "session_log.db")
	err := newStore(t, cfg).Start(t.Context())
	require.ErrorContains(t, err, "folder cannot be made")
	require.ErrorContains(t, err, cfg.Path)
}

// TestFileMovedAway: what is confirmed must be in the file that path names, not in one that nobody can find any more.
func TestFileMovedAway(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	_, err := s.Write(t.Context(), typical(0, 10))
	require.NoError(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Rename(cfg.Path+suffix, cfg.Path+".old"+suffix))
	}
	res, err := s.Write(t.Context(), typical(5, 15))
	require.NoError(t, err)
	require.Equal(t, 10, res.Written)
	require.Len(t, readAll(t, cfg), 10)
}

func TestOnlyOwnerReads(t *testing.T) {
	cfg := testConfig(t)
	s := startStore(t, cfg)
	_, err := s.Write(t.Context(), typical(0, 1))
	require.NoError(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(cfg.Path + suffix)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, suffix)
	}
}
