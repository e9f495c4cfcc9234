package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// fileHeader is what two states of a database file differ in: https://www.sqlite.org/fileformat.html, section 1.3.
type fileHeader [100]byte

var headerMagic = []byte("SQLite format 3\x00")

func (h *fileHeader) pageSize() int64 {
	if size := int64(binary.BigEndian.Uint16(h[16:])); size > 1 {
		return size
	}
	return 65536
}
func (h *fileHeader) changeCounter() uint32 { return binary.BigEndian.Uint32(h[24:]) }
func (h *fileHeader) pageCount() int64      { return int64(binary.BigEndian.Uint32(h[28:])) }

// fileState is how the three files of a database are on the disk; nil is a file that is not there.
type fileState struct {
	file, wal, shm os.FileInfo
	header         fileHeader
}

// hasWriteAheadLog reports whether pages may be in the write-ahead log alone. While a reader keeps a checkpoint from being completed, and after a kill in the
// middle of one, the file is shorter than its header says.
func (s *fileState) hasWriteAheadLog() bool { return s.wal != nil && s.wal.Size() > 0 }

func (cfg *Config) fileState(raw *os.File) (s fileState, err error) {
	for suffix, info := range map[string]*os.FileInfo{"": &s.file, "-wal": &s.wal, "-shm": &s.shm} {
		if *info, err = os.Stat(cfg.Path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return s, fmt.Errorf("sqlite: path %q: %w", cfg.Path, err)
		}
	}
	if raw != nil {
		if _, err := raw.ReadAt(s.header[:], 0); err != nil && !errors.Is(err, io.EOF) {
			return s, fmt.Errorf("sqlite: path %q: %w", cfg.Path, err)
		}
	}
	return s, nil
}

func (w *groupWriter) openRawFile() error {
	info, err := os.Stat(w.cfg.Path)
	if err != nil {
		return fmt.Errorf("sqlite: path %q: %w", w.cfg.Path, err)
	}
	if w.raw != nil {
		if known, err := w.raw.Stat(); err != nil || !os.SameFile(info, known) {
			w.closeRawFile()
		}
	}
	// Kept as long as the file is: closing a descriptor drops the locks that SQLite holds on the same file in this process.
	if w.raw == nil {
		if w.raw, err = os.Open(w.cfg.Path); err != nil {
			return fmt.Errorf("sqlite: path %q: %w", w.cfg.Path, err)
		}
	}
	return nil
}

func (w *groupWriter) closeRawFile() {
	if w.raw != nil {
		_ = w.raw.Close()
		w.raw = nil
	}
}

func (w *groupWriter) checkLength() error {
	now, err := w.cfg.fileState(w.raw)
	if err != nil {
		return err
	}
	// quick_check does not always see this. While there is a log, the end may be in it.
	if !now.hasWriteAheadLog() && bytes.HasPrefix(now.header[:], headerMagic) && now.file.Size() < now.header.pageCount()*now.header.pageSize() {
		return w.damageError("it is shorter than its header says", "", nil)
	}
	return nil
}

func (w *groupWriter) recordFileState() (err error) {
	w.lastFileState, err = w.cfg.fileState(w.raw)
	w.version = w.dataVersion()
	return err
}

// dataVersion changes when another connection has committed.
func (w *groupWriter) dataVersion() (version int64) {
	version, err := askNumber(sqlitex.Execute, w.conn, "PRAGMA data_version")
	if err != nil {
		return -1
	}
	return version
}

// checkFilesUnchanged finds out whether the files are still those that this program left, before a transaction and after its commit: what is
// committed into a file that somebody has moved, cut off or overwritten cannot be read back.
func (w *groupWriter) checkFilesUnchanged(committed bool) error {
	now, err := w.cfg.fileState(w.raw)
	if err != nil {
		return err
	}
	switch {
	case now.file == nil || !os.SameFile(now.file, w.lastFileState.file):
		return w.handleMovedFile(committed)
	case w.contentChanged(now) && isForeignLog(w.lastFileState.wal, now.wal):
		return w.refuseDamaged("it was overwritten while it was open, and another write-ahead log was put beside it")
	case w.contentChanged(now):
		if err := w.classifyChange(committed); err != nil {
			return err
		}
	case isForeignLog(w.lastFileState.wal, now.wal):
		if err := w.putForeignLogAside(); err != nil {
			return w.explainFailure("putting the write-ahead log of another database aside", err)
		}
	}
	if w.conn == nil || isFileReplaced(w.lastFileState.wal, now.wal) || isFileReplaced(w.lastFileState.shm, now.shm) {
		return w.checkpointAndReopen()
	}
	return nil
}

func (w *groupWriter) contentChanged(now fileState) bool {
	return now.file.Size() != w.lastFileState.file.Size() || !now.file.ModTime().Equal(w.lastFileState.file.ModTime()) || now.header != w.lastFileState.header
}

// isForeignLog is whether a log is at the path that is not the one that was opened.
func isForeignLog(was, is os.FileInfo) bool { return was != nil && is != nil && !os.SameFile(was, is) }

func (w *groupWriter) putForeignLogAside() error {
	// The next to open both would write it into the file.
	aside := w.logAsidePath()
	if err := os.Rename(w.cfg.Path+"-wal", aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	w.log.Warn("the write-ahead log of another database was put beside the file while it was open: it is kept under another name",
		zap.String("path", w.cfg.Path), zap.String("kept", aside))
	return nil
}

func (w *groupWriter) logAsidePath() string {
	return w.cfg.Path + "-wal." + w.now().UTC().Format("20060102T150405.000Z")
}

func isFileReplaced(was, is os.FileInfo) bool {
	return was != nil && (is == nil || !os.SameFile(was, is))
}

func (w *groupWriter) handleMovedFile(committed bool) error {
	w.log.Error("the database file was moved, replaced or deleted while it was open: from now on the file at its path is used, or a new one is made",
		zap.String("path", w.cfg.Path))
	if err := w.detachWAL(); err != nil {
		return err
	}
	if committed {
		return fmt.Errorf("sqlite: path %q: %w: the file was moved away or deleted during a commit; the batch is tried again", w.cfg.Path, ErrCannotOpen)
	}
	return w.openUnlessDamaged(w.ctx)
}

func (w *groupWriter) detachWAL() error {
	if busy, err := queryNumber(w.conn, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil || busy != 0 {
		aside, err := w.putLogAside()
		if err != nil {
			return w.explainFailure("putting the write-ahead log aside", err)
		}
		if aside == "" { // it has gone with the file
			w.log.Warn("what was committed last could not be copied from the write-ahead log into the file that was taken away: keep its -wal beside it", zap.String("path", w.cfg.Path))
		} else {
			w.log.Warn("what was committed last could not be copied from the write-ahead log into the file that was taken away: the log is kept", zap.String("kept", aside))
		}
	}
	now, err := w.cfg.fileState(nil)
	w.closeWithCheckpoint()
	// SQLite would write it into the next file at this path.
	return errors.Join(err, w.removeOwnLog(now))
}

// removeOwnLog removes the log and its index from beside the path, unless others have been put there.
func (w *groupWriter) removeOwnLog(now fileState) (err error) {
	for suffix, both := range map[string][2]os.FileInfo{"-wal": {w.lastFileState.wal, now.wal}, "-shm": {w.lastFileState.shm, now.shm}} {
		if both[0] != nil && both[1] != nil && os.SameFile(both[0], both[1]) {
			err = errors.Join(err, removeIfThere(w.cfg.Path+suffix))
		}
	}
	return err
}

const (
	damageChecks        = 4                      // at a file that looks damaged: another program may be in the middle of a checkpoint
	damageCheckInterval = 100 * time.Millisecond // after the last one
)

// classifyChange looks at a file that has changed. After a commit of ours a checkpoint explains that. Else another program has written into it,
// in order, which its commits show; or somebody has written over it.
func (w *groupWriter) classifyChange(committed bool) error {
	var now fileState
	var damage string
	for look := range damageChecks {
		if look > 0 {
			time.Sleep(damageCheckInterval)
		}
		var err error
		if now, err = w.cfg.fileState(w.raw); err != nil {
			return err
		}
		if damage = w.describeDamage(now); damage == "" {
			break
		}
	}
	if damage == "" && !committed && w.dataVersion() == w.version {
		var err error
		if damage, err = w.cfg.checkWhole(w.ctx); err != nil {
			return w.cfg.explainError("checking the file, which was touched from outside", err)
		}
		if damage == "" { // somebody touched it; what is in our cache may be older than the file
			w.closeWithCheckpoint()
			return nil
		}
	}
	if damage != "" {
		return w.refuseDamaged(damage)
	}
	w.lastFileState.file, w.lastFileState.header, w.version = now.file, now.header, w.dataVersion()
	return nil
}

func (w *groupWriter) describeDamage(now fileState) string {
	was, size := &w.lastFileState.header, int64(0)
	if now.file != nil {
		size = now.file.Size()
	}
	switch {
	case size == 0:
		return "it was emptied while it was open"
	case !bytes.HasPrefix(now.header[:], headerMagic) || now.header.pageSize() != was.pageSize():
		return "it was overwritten while it was open"
	case size < now.header.pageCount()*now.header.pageSize() && (size < w.lastFileState.file.Size() || !now.hasWriteAheadLog()):
		return fmt.Sprintf("it was truncated to %d bytes while it was open", size)
	case now.header.changeCounter() < was.changeCounter():
		return "an older file was copied over it while it was open"
	case size < w.lastFileState.file.Size() && now.header.changeCounter() == was.changeCounter():
		return fmt.Sprintf("it was truncated from %d to %d bytes while it was open", w.lastFileState.file.Size(), size)
	}
	return ""
}

// checkWhole reads the whole database, as a reader sees it, and says what is wrong with it, "" if nothing is. An error says nothing
// about the database.
func (cfg *Config) checkWhole(ctx context.Context) (damage string, err error) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	if err != nil {
		return damageOrError("opening it", err)
	}
	defer conn.Close()
	conn.SetInterrupt(ctx.Done())
	conn.SetBusyTimeout(cfg.BusyTimeout)
	return quickCheck(conn)
}

func (w *groupWriter) checkAtStart(ctx context.Context, conn *sqlite.Conn) error {
	var damage string
	err := w.cfg.retryWhileBusy(ctx, func() (err error) {
		var first []string
		if first, w.unchecked, err = w.cfg.tablesToCheck(conn); err != nil {
			damage, err = damageOrError("reading the schema", err)
			return err
		}
		// Only what is written to next, so that a large file opens at once; the others follow while nobody is in a hurry.
		for _, table := range first {
			if damage, err = quickCheckTable(conn, table); damage != "" || err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return w.cfg.explainError("checking the file", err)
	}
	if damage != "" {
		return w.damageError(damage, "", nil)
	}
	return nil
}

func (cfg *Config) tablesToCheck(conn *sqlite.Conn) (first, later []string, err error) {
	newest := ""
	catalogue := cfg.prefixNames("sessionlog_partitions")
	ours, err := queryText(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?", cfg.prefixNames("sessionlog_migrations"))
	if err != nil {
		return nil, nil, err
	}
	err = sqlitex.ExecuteTransient(conn, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name = ? DESC", &sqlitex.ExecOptions{
		Args: []any{catalogue},
		ResultFunc: func(stmt *sqlite.Stmt) (err error) {
			name := stmt.ColumnText(0)
			if name == catalogue && ours != "" { // else it is somebody else's, which is refused
				newest, err = queryText(conn, "SELECT name FROM "+catalogue+" ORDER BY low DESC LIMIT 1")
			}
			if isRange := rangeTable.MatchString(strings.TrimPrefix(name, cfg.TablePrefix)); isRange && name != newest {
				later = append(later, name)
			} else {
				first = append(first, name)
			}
			return err
		},
	})
	return first, later, err
}

var rangeTable = regexp.MustCompile(`^session_events_\d+$`)

func (w *groupWriter) checkNextTable() error {
	if len(w.unchecked) == 0 {
		return nil
	}
	table := w.unchecked[0]
	w.unchecked = w.unchecked[1:]
	there, err := queryText(w.conn, "SELECT name FROM sqlite_schema WHERE name = ?", table)
	if err != nil || there == "" { // merged or dropped meanwhile
		return err
	}
	damage, err := quickCheckTable(w.conn, table)
	if damage != "" {
		return w.refuseDamaged(damage)
	}
	return w.explainFailure("checking the file", err)
}

func quickCheckTable(conn *sqlite.Conn, table string) (damage string, err error) {
	return runQuickCheck(conn, `PRAGMA quick_check("`+strings.ReplaceAll(table, `"`, `""`)+`")`)
}

// quickCheck says what is wrong with a database, "" if nothing is. An error says nothing about the database.
func quickCheck(conn *sqlite.Conn) (damage string, err error) {
	return runQuickCheck(conn, "PRAGMA quick_check(1)")
}

func runQuickCheck(conn *sqlite.Conn, pragma string) (damage string, err error) {
	err = sqlitex.ExecuteTransient(conn, pragma, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		if text := stmt.ColumnText(0); text != "ok" && damage == "" {
			damage = "PRAGMA quick_check says: " + strings.TrimSpace(text)
		}
		return nil
	}})
	if damage != "" {
		return damage, nil
	}
	return damageOrError("PRAGMA quick_check", err)
}

// damageOrError distinguishes a database that is not sound from a machine that could not read it now: without memory or descriptors, with a lock
// or a disk error, the write-ahead log must stay where it is.
func damageOrError(doing string, err error) (damage string, other error) {
	switch code := sqlite.ErrCode(err); code.ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		return doing + " ends with " + code.String(), nil
	}
	return "", err
}

// refuseDamaged lets go of a damaged file without touching it, and remembers that nothing may be written until somebody has mended it. The
// write-ahead log is put aside: it belongs to the file that was, and SQLite would write it into whatever is there now.
func (w *groupWriter) refuseDamaged(damage string) error {
	aside, err := w.putLogAside()
	w.closeWithoutCheckpoint()
	if err == nil {
		var now fileState
		if now, err = w.cfg.fileState(nil); err == nil {
			err = w.removeOwnLog(now)
		}
	}
	w.refusedError = w.damageError(damage, aside, err)
	w.refusedState = fileState{} // it may be a sound backup that somebody has copied over it: the next write looks
	w.log.Error("the database file was damaged from outside: nothing is written until it is mended", zap.Error(w.refusedError))
	return w.refusedError
}

func (w *groupWriter) damageError(damage, aside string, err error) error {
	kept := ""
	if aside != "" {
		kept = fmt.Sprintf(" What was committed last is kept in %q.", aside)
	}
	if err != nil {
		kept += " The write-ahead log could not be put aside: " + err.Error() + "."
	}
	return fmt.Errorf("sqlite: path %q: %w: %s. Nothing is written until it is mended: put a backup in its place, or move it away and a new file is made.%s",
		w.cfg.Path, ErrDamaged, damage, kept)
}

// putLogAside copies the write-ahead log and empties it, so that closing the connection writes nothing into the file. A log that somebody
// has put there for another file is left alone.
func (w *groupWriter) putLogAside() (aside string, err error) {
	path := w.cfg.Path + "-wal"
	log, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return "", err
	}
	if info.Size() == 0 || w.lastFileState.wal != nil && !os.SameFile(info, w.lastFileState.wal) {
		return "", nil
	}
	aside = w.logAsidePath()
	if err := copyDurably(aside, log); err != nil {
		return aside, err
	}
	return aside, log.Truncate(0)
}

func copyDurably(path string, content io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Sync(), f.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (w *groupWriter) stillRefused() error {
	if w.refusedError == nil {
		return nil
	}
	now, err := w.cfg.fileState(nil)
	switch {
	case err != nil:
		return err
	case now.file == nil: // moved away: a new one is made
		w.refusedError = nil
		return nil
	case now.file.Size() == 0:
		return w.refusedError
	}
	was := w.refusedState.file
	if was != nil && os.SameFile(was, now.file) && was.Size() == now.file.Size() && was.ModTime().Equal(now.file.ModTime()) {
		return w.refusedError
	}
	w.refusedState = now
	return nil
}

func (w *groupWriter) checkpointAndReopen() error {
	// The log that we write is not the one that readers, and the next start, would find.
	if w.conn != nil {
		w.log.Warn("the write-ahead log was removed or replaced while it was open: what it held is brought into the file", zap.String("path", w.cfg.Path))
		busy, err := queryNumber(w.conn, "PRAGMA wal_checkpoint(TRUNCATE)")
		if err == nil && busy != 0 {
			err = errLogBusy
		}
		if err != nil {
			return w.explainFailure("bringing the write-ahead log into the file", err)
		}
		w.closeWithCheckpoint()
	}
	return w.openUnlessDamaged(w.ctx)
}

var errLogBusy = errors.New("a reader keeps it from being emptied: end its transaction; it is tried again")
