package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// What can be wrong with the store. None is permanent in the collector's sense: each passes when somebody frees space, ends
// a lock or brings back a file, and a permanent error would throw away records that are in order. Records that can never
// be stored are listed one by one, in Result.Rejected.
var (
	ErrFull        = errors.New("no space left")
	ErrLocked      = errors.New("locked by another process")
	ErrReadOnly    = errors.New("not writable")
	ErrCannotOpen  = errors.New("cannot be opened")
	ErrDamaged     = errors.New("not a sound SQLite database")
	ErrDisk        = errors.New("disk error")
	ErrNewerSchema = errors.New("schema of a newer program")
	ErrNoSchema    = errors.New("schema is missing")
	ErrStopped     = errors.New("the sqlite backend is not running")
)

// explainError says in the user's terms what went wrong, from SQLite's result code alone.
func (cfg *Config) explainError(doing string, err error) error {
	if err == nil {
		return nil
	}
	kind, remedy := cfg.diagnoseCode(sqlite.ErrCode(err))
	if kind == nil {
		return fmt.Errorf("sqlite: %s, path %q: %w", doing, cfg.Path, err)
	}
	explained := fmt.Errorf("sqlite: %s, path %q: %w: %s (%s)", doing, cfg.Path, kind, remedy, sqlite.ErrCode(err))
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultNotADB {
		return backend.MarkMisconfigured(explained)
	}
	return explained
}

func (cfg *Config) diagnoseCode(code sqlite.ResultCode) (kind error, remedy string) { //nolint:staticcheck // kind is the answer, not a failure
	switch code.ToPrimary() {
	case sqlite.ResultFull:
		return ErrFull, "free some on its volume, or set ttl; the batch is tried again"
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return ErrLocked, fmt.Sprintf("something else has held the write lock for more than busy_timeout (%s): end its transaction", cfg.BusyTimeout)
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultAuth:
		return ErrReadOnly, "let this user write the file, its -wal and -shm and their folder, or choose another path"
	case sqlite.ResultCantOpen:
		return ErrCannotOpen, "the folder must exist and let this user make files in it, and the process must be allowed to open more (ulimit -n)"
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return ErrDamaged, "put a backup in its place, or move it away and a new file is made; PRAGMA integrity_check says more"
	case sqlite.ResultIOErr, sqlite.ResultProtocol, sqlite.ResultNoLFS:
		return ErrDisk, "look into the system's log for the volume's errors; a network share cannot hold the file"
	}
	return nil, ""
}

// needsReopen reports whether the open connection is no good any more: what is wrong may be mended on disk, which it does not see.
func needsReopen(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen, sqlite.ResultCorrupt, sqlite.ResultNotADB,
		sqlite.ResultIOErr, sqlite.ResultProtocol:
		return true
	}
	return false
}
