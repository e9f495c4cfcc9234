package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// backupOf is a copy of the database as `sqlite3 session_log.db ".backup copy.db"` makes it.
func backupOf(t *testing.T, cfg Config) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "VACUUM INTO '"+path+"'", nil))
	require.NoError(t, conn.Close())
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return content
}

// overwrite writes from an offset on, without making another file of it.
func overwrite(t *testing.T, path string, at int64, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(content, at)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// copyOver is `cp`: the same file with other content.
func copyOver(t *testing.T, path string, content []byte) {
	t.Helper()
	require.NoError(t, os.Truncate(path, int64(len(content))))
	overwrite(t, path, 0, content)
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

// TestDamagedWhileOpen: whatever somebody does to the file, nothing more is acknowledged, the log says so once, and a backup that is
// put in its place mends it without a restart.
func TestDamagedWhileOpen(t *testing.T) {
	size := func(t *testing.T, cfg Config) int64 {
		info, err := os.Stat(cfg.Path)
		require.NoError(t, err)
		return info.Size()
	}
	damages := map[string]func(*testing.T, Config){
		"emptied":     func(t *testing.T, cfg Config) { require.NoError(t, os.Truncate(cfg.Path, 0)) },
		"cut to half": func(t *testing.T, cfg Config) { require.NoError(t, os.Truncate(cfg.Path, size(t, cfg)/2)) },
		"cut by a page": func(t *testing.T, cfg Config) {
			require.NoError(t, os.Truncate(cfg.Path, size(t, cfg)-16384))
		},
		"cut within a page": func(t *testing.T, cfg Config) { require.NoError(t, os.Truncate(cfg.Path, size(t, cfg)-100)) },
		"cut and grown again": func(t *testing.T, cfg Config) {
			n := size(t, cfg)
			require.NoError(t, os.Truncate(cfg.Path, 16384))
			require.NoError(t, os.Truncate(cfg.Path, n))
		},
		"overwritten":          func(t *testing.T, cfg Config) { copyOver(t, cfg.Path, noise(int(size(t, cfg)))) },
		"overwritten shorter":  func(t *testing.T, cfg Config) { copyOver(t, cfg.Path, noise(1000)) },
		"header overwritten":   func(t *testing.T, cfg Config) { overwrite(t, cfg.Path, 0, noise(50)) },
		"middle overwritten":   func(t *testing.T, cfg Config) { overwrite(t, cfg.Path, size(t, cfg)/2, noise(40_000)) },
		"middle zeroed":        func(t *testing.T, cfg Config) { overwrite(t, cfg.Path, size(t, cfg)/2, make([]byte, 40_000)) },
		"half a backup copied": func(t *testing.T, cfg Config) { b := backupOf(t, cfg); copyOver(t, cfg.Path, b[:len(b)/2]) },
	}
	for name, damage := range damages {
		for _, checkpointed := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				damagedWhileOpen(t, damage, checkpointed)
			})
		}
	}
}

func damagedWhileOpen(t *testing.T, damage func(*testing.T, Config), checkpointed bool) {
	const filledBefore = 500
	cfg := filled(t, filledBefore) // and everything is in the file, for its writer has ended
	s := startStore(t, cfg)
	if !checkpointed {
		_, err := s.Write(t.Context(), typical(filledBefore, filledBefore+10))
		require.NoError(t, err)
	}
	backup := backupOf(t, cfg)
	time.Sleep(10 * time.Millisecond) // a file system tells times apart
	damage(t, cfg)
	for range 3 {
		_, err := s.Write(t.Context(), typical(3000, 3010))
		requireFault(t, err, ErrDamaged, cfg)
		require.ErrorContains(t, err, "put a backup in its place")
	}
	copyOver(t, cfg.Path, backup)
	kept := filledBefore
	if !checkpointed {
		kept += 10
	}
	res, err := s.Write(t.Context(), typical(0, kept+10))
	require.NoError(t, err)
	require.Equal(t, backend.Result{Written: 10, Duplicates: kept}, res)
	require.Equal(t, kept+10, stored(t, cfg))
	requireSound(t, cfg)
}

// TestRestoredOver: an older backup is copied over the open file. It is taken as it is, and what is acknowledged from then on is there.
func TestRestoredOver(t *testing.T) {
	for _, through := range []string{"cp", "mv"} {
		for _, more := range []int{10, 3000} {
			t.Run(through, func(t *testing.T) {
				cfg := filled(t, 2000)
				s := newStore(t, cfg)
				require.NoError(t, s.Start(t.Context()))
				backup := backupOf(t, cfg)
				_, err := s.Write(t.Context(), typical(2000, 2000+more))
				require.NoError(t, err)
				time.Sleep(10 * time.Millisecond)
				if through == "cp" {
					copyOver(t, cfg.Path, backup)
				} else {
					other := cfg.Path + ".restored"
					require.NoError(t, os.WriteFile(other, backup, 0o600))
					require.NoError(t, os.Rename(other, cfg.Path))
				}
				var res backend.Result
				for range 5 {
					if res, err = s.Write(t.Context(), typical(8000, 8010)); err == nil {
						break
					}
				}
				require.NoError(t, err)
				require.Equal(t, 10, res.Written)
				require.Equal(t, 2010, stored(t, cfg), "the backup, and what came after it")
				requireSound(t, cfg)
				require.NoError(t, s.Shutdown(context.Background()))
				requireSound(t, cfg)
				require.Equal(t, 2010, stored(t, cfg), "closing brings nothing of the old log into it")
			})
		}
	}
}

// TestMovedAwayWithoutItsLog: mv session_log.db archive.db, and the log stays behind. The archive has all that was acknowledged before.
func TestMovedAwayWithoutItsLog(t *testing.T) {
	cfg := filled(t, 100)
	s := startStore(t, cfg)
	_, err := s.Write(t.Context(), typical(100, 200))
	require.NoError(t, err)
	archive := cfg
	archive.Path += ".archive"
	require.NoError(t, os.Rename(cfg.Path, archive.Path))
	res, err := s.Write(t.Context(), typical(200, 300))
	require.NoError(t, err)
	require.Equal(t, 100, res.Written)
	require.Equal(t, 100, stored(t, cfg))
	require.Equal(t, 200, stored(t, archive))
	requireSound(t, cfg)
	requireSound(t, archive)
}

// TestMovedAwayAndReplacedWithItsLog: another database and its log are put at the path while a reader keeps the old log from being emptied.
// What is committed in the new log, and not yet in its file, stays.
func TestMovedAwayAndReplacedWithItsLog(t *testing.T) {
	cfg := filled(t, 100)
	s := startStore(t, cfg)
	reader, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	require.NoError(t, err)
	defer func() { require.NoError(t, reader.Close()) }()
	require.NoError(t, sqlitex.ExecuteTransient(reader, "BEGIN", nil))
	require.NoError(t, sqlitex.ExecuteTransient(reader, "SELECT count(*) FROM session_events", nil))
	_, err = s.Write(t.Context(), typical(100, 200))
	require.NoError(t, err)

	source := filled(t, 100)
	other := startStore(t, source)
	_, err = other.Write(t.Context(), typical(1000, 1100))
	require.NoError(t, err)
	replacement := copyOfFiles(t, source)

	archive := cfg
	archive.Path += ".archive"
	for _, suffix := range []string{"", "-wal", "-shm"} {
		require.NoError(t, os.Rename(cfg.Path+suffix, archive.Path+suffix))
	}
	for _, suffix := range []string{"", "-wal"} {
		require.NoError(t, os.Rename(replacement.Path+suffix, cfg.Path+suffix))
	}
	res, err := s.Write(t.Context(), typical(2000, 2010))
	require.NoError(t, err)
	require.Equal(t, 10, res.Written)
	require.Equal(t, 210, stored(t, cfg), "100 of its file, 100 of its log, and 10 new ones")
	require.Equal(t, 200, stored(t, archive), "its log went with it")
	requireSound(t, cfg)
	requireSound(t, archive)
}

// TestOnlyUnsoundIsDamage: what stops the check on a sound database is no reason to let go of its log.
func TestOnlyUnsoundIsDamage(t *testing.T) {
	for _, code := range []sqlite.ResultCode{sqlite.ResultCorrupt, sqlite.ResultCorruptVTab, sqlite.ResultNotADB} {
		damage, err := damageOrError("the check", code.ToError())
		require.NoError(t, err)
		require.Contains(t, damage, code.String())
	}
	for _, code := range []sqlite.ResultCode{
		sqlite.ResultCantOpen, sqlite.ResultNoMem, sqlite.ResultIOErr, sqlite.ResultIOErrRead, sqlite.ResultPerm, sqlite.ResultProtocol,
		sqlite.ResultLocked, sqlite.ResultBusy, sqlite.ResultInterrupt,
	} {
		damage, err := damageOrError("the check", code.ToError())
		require.Error(t, err)
		require.Empty(t, damage, code)
	}
}

// TestDamagedAtStart: nothing is written into a file that is not sound, and it goes on when a backup is put in its place.
func TestDamagedAtStart(t *testing.T) {
	cfg := filled(t, 2000)
	sound, err := os.ReadFile(cfg.Path)
	require.NoError(t, err)
	for name, damaged := range map[string][]byte{
		"cut":          sound[:len(sound)/2],
		"zeros inside": append(append(bytes.Clone(sound[:100_000]), make([]byte, 50_000)...), sound[150_000:]...),
		"noise inside": append(append(bytes.Clone(sound[:100_000]), noise(50_000)...), sound[150_000:]...),
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(cfg.Path, damaged, 0o600))
			s := newStore(t, cfg)
			for range 2 {
				err := s.Start(t.Context())
				requireFault(t, err, ErrDamaged, cfg)
				require.NotErrorIs(t, err, backend.ErrMisconfigured, "a backup mends it")
			}
			after, err := os.ReadFile(cfg.Path)
			require.NoError(t, err)
			require.Equal(t, damaged, after, "it is left as it was")
			require.NoError(t, os.WriteFile(cfg.Path, sound, 0o600))
			require.NoError(t, s.Start(t.Context()))
			res, err := s.Write(t.Context(), typical(0, 10))
			require.NoError(t, err)
			require.Equal(t, backend.Result{Duplicates: 10}, res)
			require.NoError(t, s.Shutdown(context.Background()))
		})
	}
}

// TestLogRemovedWhileOpen: rm session_log.db-wal. What was committed is brought into the file at once, and nothing is lost even if the
// process is killed after the next write.
func TestLogRemovedWhileOpen(t *testing.T) {
	for _, suffix := range []string{"-wal", "-shm"} {
		t.Run(suffix, func(t *testing.T) {
			cfg := filled(t, 100)
			s := startStore(t, cfg)
			_, err := s.Write(t.Context(), typical(100, 200))
			require.NoError(t, err)
			require.NoError(t, os.Remove(cfg.Path+suffix))
			res, err := s.Write(t.Context(), typical(200, 300))
			require.NoError(t, err)
			require.Equal(t, 100, res.Written)
			copied := copyOfFiles(t, cfg) // what a kill would leave
			require.Equal(t, 300, stored(t, copied))
			requireSound(t, copied)
			require.Equal(t, 300, stored(t, cfg))
		})
	}
}

// copyOfFiles copies all files of the database, as they stand on the disk now.
func copyOfFiles(t *testing.T, cfg Config) Config {
	t.Helper()
	copied := cfg
	copied.Path = filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(cfg.Path + suffix)
		if suffix != "" && os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied.Path+suffix, content, 0o600))
	}
	return copied
}

// TestOtherProgramsWrite into the same file, in order: a second collector with a prefix, a shell that checkpoints, VACUUM, touch. None
// of it is damage.
func TestOtherProgramsWrite(t *testing.T) {
	cfg := filled(t, 3000)
	s := startStore(t, cfg)
	second := cfg
	second.TablePrefix = "eu_"
	other := startStore(t, second)
	shell := func(sql string) {
		conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
		require.NoError(t, err)
		conn.SetBusyTimeout(time.Minute)
		require.NoError(t, sqlitex.ExecuteTransient(conn, sql, nil))
		require.NoError(t, conn.Close())
	}
	for n := range 5 {
		for _, one := range []*eventStore{s, other} {
			res, err := one.Write(t.Context(), typical(10_000+2000*n, 12_000+2000*n))
			require.NoError(t, err)
			require.Equal(t, 2000, res.Written)
		}
		switch n {
		case 0:
			shell("PRAGMA wal_checkpoint(TRUNCATE)")
		case 1:
			shell("DELETE FROM session_events WHERE arrival < 2500")
			shell("VACUUM")
			shell("PRAGMA wal_checkpoint(TRUNCATE)")
		case 2:
			shell("PRAGMA user_version = 7")
		case 3:
			now := time.Now().Add(time.Second)
			require.NoError(t, os.Chtimes(cfg.Path, now, now))
		}
	}
	require.Equal(t, 3000-2499+10_000, stored(t, cfg))
	require.Equal(t, 10_000, stored(t, second))
	requireSound(t, cfg)
}
