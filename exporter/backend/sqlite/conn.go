package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"
	_ "modernc.org/sqlite" // its init makes WAL right where memory pages are 64 KiB
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// busyStep is how long SQLite itself waits for a lock. The rest of busy_timeout is waited for in Go, where a context counts.
const busyStep = 25 * time.Millisecond

func (cfg *Config) makeDatabaseFile(log *zap.Logger) error {
	if err := cfg.followLink(); err != nil {
		return err
	}
	// A file that is there must not even be opened: closing it would drop the locks of an SQLite connection of this process.
	if info, err := os.Stat(cfg.Path); err == nil {
		if info.Size() == 0 {
			log.Warn("the database file was there and is empty: if it held records before, bring back a backup; a new database begins in it",
				zap.String("path", cfg.Path))
		}
		if info.IsDir() {
			return backend.MarkMisconfigured(fmt.Errorf("sqlite: path %q is a directory: name a file in it, for example %q",
				cfg.Path, filepath.Join(cfg.Path, "session_log.db")))
		}
		if !info.Mode().IsRegular() {
			return backend.MarkMisconfigured(fmt.Errorf("sqlite: path %q is a device, a pipe or a socket: name a file", cfg.Path))
		}
		return nil
	}
	// For this user alone: the file tells who logs in, and from where.
	dir := filepath.Dir(cfg.Path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		err = fmt.Errorf("sqlite: path %q: its folder cannot be made: %w", cfg.Path, err)
		if errors.Is(err, syscall.ENOTDIR) {
			return backend.MarkMisconfigured(err)
		}
		return err
	}
	f, err := os.OpenFile(cfg.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sqlite: path %q: %w: let this user make files in its folder, or choose another path", cfg.Path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("sqlite: path %q: %w", cfg.Path, err)
	}
	return syncDirectory(dir)
}

// followLink has the path lead to the file itself, for the log is beside that, and a link may be there before its file is.
func (cfg *Config) followLink() error {
	for range 10 {
		info, err := os.Lstat(cfg.Path)
		if err != nil || info.Mode()&os.ModeSymlink == 0 {
			return nil //nolint:nilerr // what is not there is made, and of others the caller says what is wrong
		}
		target, err := os.Readlink(cfg.Path)
		if err != nil {
			return fmt.Errorf("sqlite: path %q: %w", cfg.Path, err)
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(cfg.Path), target)
		}
		cfg.Path = target
	}
	return backend.MarkMisconfigured(fmt.Errorf("sqlite: path %q is a link that leads to no file: name a file", cfg.Path))
}

func syncDirectory(dir string) error {
	// Else the name of a new file may not survive a loss of power.
	d, err := os.Open(dir)
	if err != nil {
		return nil // a folder may be writable and not readable; SQLite syncs it once more when it makes the log
	}
	defer d.Close()
	_ = d.Sync() // not every system can sync a folder
	return nil
}

func (cfg *Config) openDurableConn(ctx context.Context) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, cfg.explainError("opening", err)
	}
	conn.SetBusyTimeout(busyStep)
	if err := cfg.applyPragmas(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// Pragmas are the settings of every connection that writes: docs/adr/0002-sqlite-driver.md has the measurements.
func (cfg *Config) Pragmas() []string {
	return []string{
		"PRAGMA page_size = 16384",
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = " + strings.ToUpper(string(cfg.Synchronous)),
		"PRAGMA fullfsync = ON", // macOS: fsync alone does not empty the disk's cache
		"PRAGMA checkpoint_fullfsync = ON",
		"PRAGMA cache_size = -16000",
		"PRAGMA wal_autocheckpoint = 1000",
		"PRAGMA journal_size_limit = " + strconv.Itoa(longLog),
	}
}

func (cfg *Config) applyPragmas(ctx context.Context, conn *sqlite.Conn) error {
	for _, p := range cfg.Pragmas() {
		err := cfg.retryWhileBusy(ctx, func() error { return sqlitex.ExecuteTransient(conn, p, nil) })
		if err != nil {
			return cfg.explainError("setting up", err)
		}
	}
	mode, err := sqlitex.ResultText(conn.Prep("PRAGMA journal_mode"))
	if err != nil {
		return cfg.explainError("setting up", err)
	}
	if mode != "wal" {
		return fmt.Errorf("sqlite: path %q: the file system has no shared memory for the write-ahead log: choose a local disk", cfg.Path)
	}
	return nil
}

// retryWhileBusy repeats what failed because of another process's lock, for busy_timeout.
func (cfg *Config) retryWhileBusy(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(cfg.BusyTimeout)
	for {
		err := do()
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(deadline) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		time.Sleep(time.Millisecond) // some kinds of contention are reported at once, without SQLite's own wait
	}
}
