package sqlite

import (
	"context"
	"errors"
	"iter"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
	"github.com/otel-sessionlog/sessionlog/session"
)

// request is one call of Write.
type request struct {
	ctx     context.Context
	events  iter.Seq2[int, *session.Event]
	claimed atomic.Bool
	done    chan struct{} // closed when result and err are final

	result backend.Result
	err    error
}

// claim makes the request the caller's own: either the writer walks its events, or Write gives up on it.
func (r *request) claim() bool { return r.claimed.CompareAndSwap(false, true) }

// writer owns the connection. It commits in groups: what arrives while a commit runs forms the next transaction, so that
// many small callers share one wait for the disk.
type writer struct {
	*store
	conn         *sqlite.Conn
	readOnlyConn *sqlite.Conn // read only; while it is open, closing conn neither writes the write-ahead log into the file nor removes it
	st           *statements
	group        []*request
	hasher       session.Hasher

	guard *retention.Guard
	ttl   time.Duration // the one in force

	raw           *os.File  // the database file, to read its header
	lastFileState fileState // when we last touched the files, or found them sound
	version       int64     // data_version then

	refusedError error     // why a damaged file is not written to; nil when it is sound
	refusedState fileState // when it was last looked at
}

// open connects, unless the file is damaged. Of one that was damaged while it was open the error says what happened to it, until it is
// sound again.
func (w *writer) open(ctx context.Context) error {
	if err := w.stillRefused(); err != nil {
		return err
	}
	err := w.connect(ctx)
	if errors.Is(err, ErrDamaged) && w.refusedError != nil {
		return w.refusedError
	}
	return err
}

func (w *writer) connect(ctx context.Context) (err error) {
	if err := w.cfg.makeFile(w.log); err != nil {
		return err
	}
	if err := w.openRaw(); err != nil {
		return err
	}
	if err := w.checkLength(); err != nil {
		return err
	}
	conn, err := w.cfg.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, conn.Close())
		}
	}()
	w.announceCheck()
	var damage string
	err = w.cfg.patiently(ctx, func() (err error) { damage, err = quickCheck(conn); return err })
	if err != nil {
		return w.cfg.explain("checking the file", err)
	}
	if damage != "" {
		return w.damaged(damage, "", nil)
	}
	w.refusedError = nil
	if err := w.cfg.migrate(ctx, conn); err != nil {
		return err
	}
	if err := w.applyTTL(ctx, conn); err != nil {
		return err
	}
	for _, sql := range w.extra {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return err
		}
	}
	if w.st, err = w.cfg.prepare(conn); err != nil {
		return w.cfg.explain("preparing", err)
	}
	if w.readOnlyConn, err = w.cfg.openReader(ctx); err != nil {
		return err
	}
	conn.SetInterrupt(w.ctx.Done())
	w.conn = conn
	if err = w.recordFileState(); err != nil {
		w.conn = nil
		err = errors.Join(err, w.readOnlyConn.Close())
		w.readOnlyConn = nil
	}
	return err
}

// openReader opens a connection that holds a shared lock on the file from its first read until it is closed.
func (cfg *Config) openReader(ctx context.Context) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, cfg.explain("opening for reading", err)
	}
	conn.SetBusyTimeout(busyStep)
	if err := cfg.patiently(ctx, func() error { return sqlitex.ExecuteTransient(conn, "SELECT 1 FROM sqlite_schema LIMIT 1", nil) }); err != nil {
		return nil, errors.Join(cfg.explain("reading", err), conn.Close())
	}
	return conn, nil
}

// largeFile is from where on the check of a file takes long enough to be asked about.
const largeFile = 1 << 30

// announceCheck says why nothing is written yet.
func (w *writer) announceCheck() {
	if info, err := os.Stat(w.cfg.Path); err == nil && info.Size() >= largeFile {
		w.log.Warn("the database file is checked before anything is written, which takes the time to read it whole once",
			zap.String("path", w.cfg.Path), zap.Int64("megabytes", info.Size()>>20))
	}
}

// close writes the write-ahead log into the file and removes it, if no other program has the file open.
func (w *writer) close() {
	w.closeConns(w.readOnlyConn, w.conn)
}

// closeWithoutCheckpoint leaves the file and the log at its path as they are: the last connection to be closed may only read.
func (w *writer) closeWithoutCheckpoint() {
	w.closeConns(w.conn, w.readOnlyConn)
}

func (w *writer) closeConns(conns ...*sqlite.Conn) {
	w.conn, w.readOnlyConn, w.st = nil, nil, nil
	for _, conn := range conns {
		if conn == nil {
			continue
		}
		if err := conn.Close(); err != nil {
			w.log.Warn("closing the database", zap.Error(w.cfg.explain("closing", err)))
		}
	}
}

// closeAfterError does not checkpoint if the files are not those that were opened: the error may come from that.
func (w *writer) closeAfterError() {
	if w.conn == nil {
		return
	}
	now, err := w.cfg.fileState(w.raw)
	if err != nil || now.file == nil || w.contentChanged(now) || foreignLog(w.lastFileState.wal, now.wal) {
		w.closeWithoutCheckpoint()
		return
	}
	w.close()
}

func (w *writer) run() {
	defer close(w.stopped)
	defer w.end()
	expiry := newExpiry(w)
	defer expiry.stop()
	idle := time.NewTicker(idleCheckInterval)
	defer idle.Stop()
	for {
		select {
		case r := <-w.queue:
			w.commit(r)
		case <-expiry.due():
			expiry.slice()
		case <-idle.C:
			w.checkFilesWhileIdle()
		case <-w.stop:
			w.drain()
			return
		}
	}
}

// idleCheckInterval is how often the files are looked at while nobody writes.
const idleCheckInterval = 10 * time.Second

// checkFilesWhileIdle rescues what was committed last from a log that somebody has removed, and says so when the file is damaged, before the
// next write finds that out.
func (w *writer) checkFilesWhileIdle() {
	if w.conn == nil {
		return
	}
	if err := w.ready(); err != nil && w.refusedError == nil {
		w.log.Warn("the database cannot be written to", zap.Error(err))
	}
}

// end is the end of the writer.
func (w *writer) end() {
	if w.conn != nil {
		_ = w.checkFilesUnchanged(true) // a damaged file is let go of without a checkpoint
	}
	w.close()
	w.closeRaw()
}

// drain commits what was queued before Shutdown.
func (w *writer) drain() {
	for {
		select {
		case r := <-w.queue:
			w.commit(r)
		default:
			return
		}
	}
}

// commit takes first and whatever has queued up behind it through one transaction, and tells each its fate.
func (w *writer) commit(first *request) {
	w.group = append(w.group[:0], first)
	for range len(w.queue) {
		w.group = append(w.group, <-w.queue)
	}
	err := w.ready()
	if err == nil {
		err = w.begin()
	}
	w.claimAll()
	if err == nil {
		err = w.transact()
	}
	if err == nil && len(w.group) > 0 {
		err = w.checkFilesUnchanged(true)
	}
	for _, r := range w.group {
		if err != nil {
			r.result, r.err = backend.Result{}, err
		}
		close(r.done)
	}
	clear(w.group)
}

// claimAll leaves out those whose callers went away while the lock was waited for.
func (w *writer) claimAll() {
	kept := w.group[:0]
	for _, r := range w.group {
		if r.claim() {
			kept = append(kept, r)
		}
	}
	w.group = kept
}

// ready sees to it that the connection is good and that the files are still those that it was opened on.
func (w *writer) ready() error {
	if w.conn != nil {
		if err := w.checkFilesUnchanged(false); err != nil {
			return err
		}
	}
	if w.conn != nil {
		return nil
	}
	return w.open(w.ctx)
}

func (w *writer) begin() error {
	err := w.cfg.patiently(w.ctx, func() error { return execute(w.conn, "BEGIN IMMEDIATE") })
	return w.failed("waiting for the write lock", err)
}

// transact inserts the group and commits. A batch whose caller goes away meanwhile ends the transaction, and the others go
// through a new one: that is rare, and costs nothing when it does not happen.
func (w *writer) transact() error {
	for {
		gone, err := w.insertGroup()
		if err == nil && gone < 0 {
			err = execute(w.conn, "COMMIT")
		}
		if err == nil && gone < 0 {
			return nil
		}
		w.rollback()
		if err != nil {
			return w.failed("writing", err)
		}
		w.dismiss(gone)
		if len(w.group) == 0 {
			return nil
		}
		if err := w.ready(); err != nil {
			return err
		}
		if err := w.begin(); err != nil {
			return err
		}
	}
}

// insertGroup returns the index of a request whose caller went away, or -1.
func (w *writer) insertGroup() (gone int, err error) {
	for i, r := range w.group {
		r.result = backend.Result{}
		if err := w.insertAll(r); err != nil {
			if r.ctx.Err() != nil {
				return i, nil //nolint:nilerr // the store did not fail: the caller went away
			}
			return -1, err
		}
	}
	return -1, nil
}

// dismiss tells a caller that went away so.
func (w *writer) dismiss(i int) {
	r := w.group[i]
	r.result, r.err = backend.Result{}, context.Cause(r.ctx)
	close(r.done)
	w.group = slices.Delete(w.group, i, i+1)
}

func (w *writer) rollback() {
	if !w.conn.AutocommitEnabled() {
		if err := execute(w.conn, "ROLLBACK"); err != nil {
			w.closeAfterError()
		}
	}
}

// failed explains an error and lets go of a connection that is of no more use.
func (w *writer) failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	if reopens(err) {
		w.closeAfterError()
	}
	return w.cfg.explain(doing, err)
}
