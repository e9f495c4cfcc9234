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
	"github.com/otel-sessionlog/sessionlog/internal/conditionlog"
	"github.com/otel-sessionlog/sessionlog/session"
)

// writeRequest is one call of Write, or something else that is to be done in the same transactions.
type writeRequest struct {
	ctx         context.Context
	events      iter.Seq2[int, *session.Event]
	contentHash backend.ContentHash
	do          func(*groupWriter) error // in place of events
	tellsFates  bool
	claimed     atomic.Bool
	done        chan struct{} // closed when result, fates and err are final

	result backend.Result
	fates  []backend.Fate
	err    error
}

func (r *writeRequest) tellFate(index int, fate backend.Fate) {
	if r.tellsFates {
		r.fates = slices.Grow(r.fates, max(0, index+1-len(r.fates)))[:max(len(r.fates), index+1)]
		r.fates[index] = fate
	}
}

// claimOnce makes the request the caller's own: either the writer walks its events, or Write gives up on it.
func (r *writeRequest) claimOnce() bool { return r.claimed.CompareAndSwap(false, true) }

// writer owns the connection. It commits in groups: what arrives while a commit runs forms the next transaction, so that
// many small callers share one wait for the disk.
type groupWriter struct {
	*eventStore
	conn         *sqlite.Conn
	readOnlyConn *sqlite.Conn // read only; while it is open, closing conn neither writes the write-ahead log into the file nor removes it
	st           *writeStatements
	group        []*writeRequest
	events       eventReader

	partitions        *partitionCatalog
	partitionsVersion int64      // data_version when they were read
	indexedSchema     int64      // schema_version when no partition lacked an index; 0: not known
	move              *rangeMove // nil while no rows are moved between partitions
	moveTimer         *time.Timer
	unchecked         []string      // tables that have not been checked since the file was opened
	checkedAt         time.Duration // elapsed, when one was checked last
	arrivalBefore     int64         // next arrival at the last look at the files
	restart           logRestart
	conditions        *conditionlog.Logger

	guard *retention.Guard
	ttl   time.Duration // the one in force

	raw           *os.File  // the database file, to read its header
	lastFileState fileState // when we last touched the files, or found them sound
	version       int64     // data_version then

	refusedError error     // why a damaged file is not written to; nil when it is sound
	refusedState fileState // when it was last checked
}

// openUnlessDamaged connects, unless the file is damaged. Of one that was damaged while it was open the error says what happened to it, until it is
// sound again.
func (w *groupWriter) openUnlessDamaged(ctx context.Context) error {
	if err := w.stillRefused(); err != nil {
		return err
	}
	err := w.openAndMigrate(ctx)
	if errors.Is(err, ErrDamaged) && w.refusedError != nil {
		return w.refusedError
	}
	return err
}

func (w *groupWriter) openAndMigrate(ctx context.Context) (err error) {
	if err := w.cfg.makeDatabaseFile(w.log); err != nil {
		return err
	}
	if err := w.openRawFile(); err != nil {
		return err
	}
	if err := w.checkLength(); err != nil {
		return err
	}
	conn, err := w.cfg.openDurableConn(ctx)
	if err != nil {
		return err
	}
	if err = w.prepareSchema(ctx, conn); err == nil {
		err = w.takeConn(ctx, conn)
	}
	if err != nil {
		err = errors.Join(err, conn.Close())
	}
	return err
}

func (w *groupWriter) prepareSchema(ctx context.Context, conn *sqlite.Conn) error {
	if err := w.checkAtStart(ctx, conn); err != nil {
		return err
	}
	w.refusedError = nil
	if err := w.cfg.migrateSchema(ctx, conn, w.log); err != nil {
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
	return nil
}

func (w *groupWriter) takeConn(ctx context.Context, conn *sqlite.Conn) (err error) {
	if w.st, err = w.cfg.prepareStatements(conn); err != nil {
		return w.cfg.explainError("preparing", err)
	}
	if w.readOnlyConn, err = w.cfg.openReader(ctx); err != nil {
		return err
	}
	conn.SetInterrupt(w.ctx.Done())
	w.conn = conn
	w.partitions, w.indexedSchema = nil, 0
	if err = w.reloadPartitions(); err == nil {
		w.arrivalBefore = w.partitions.nextArrival
		err = w.recordFileState()
	}
	if err != nil {
		w.conn = nil
		err = errors.Join(err, w.readOnlyConn.Close())
		w.readOnlyConn = nil
	}
	return err
}

func (w *groupWriter) reloadPartitions() error {
	version := w.dataVersion() // before the catalogue: what another program commits in between is seen the next time
	all, err := w.cfg.readPartitions(w.conn, w.partitions)
	if err != nil {
		return w.cfg.explainError("reading the partitions", err)
	}
	if w.partitions != nil {
		for _, gone := range w.partitions.ranges {
			if !slices.Contains(all.ranges, gone) {
				gone.release()
			}
		}
	}
	w.partitions, w.partitionsVersion = all, version
	return nil
}

// openReader opens a connection that holds a shared lock on the file from its first read until it is closed.
func (cfg *Config) openReader(ctx context.Context) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(cfg.Path, sqlite.OpenReadOnly)
	if err != nil {
		return nil, cfg.explainError("opening for reading", err)
	}
	conn.SetBusyTimeout(busyStep)
	// This reads the first page, and leaves the schema to the first question.
	if err := cfg.retryWhileBusy(ctx, func() error { return sqlitex.ExecuteTransient(conn, "PRAGMA user_version", nil) }); err != nil {
		return nil, errors.Join(cfg.explainError("reading", err), conn.Close())
	}
	return conn, nil
}

// closeWithCheckpoint writes the write-ahead log into the file and removes it, if no other program has the file open.
func (w *groupWriter) closeWithCheckpoint() {
	w.closeConns(w.readOnlyConn, w.conn)
}

// closeWithoutCheckpoint leaves the file and the log at its path as they are: the last connection to be closed may only read.
func (w *groupWriter) closeWithoutCheckpoint() {
	w.closeConns(w.conn, w.readOnlyConn)
}

func (w *groupWriter) closeConns(conns ...*sqlite.Conn) {
	w.conn, w.readOnlyConn, w.st, w.partitions, w.move = nil, nil, nil, nil, nil
	for _, conn := range conns {
		if conn == nil {
			continue
		}
		if err := conn.Close(); err != nil {
			w.log.Warn("closing the database", zap.Error(w.cfg.explainError("closing", err)))
		}
	}
}

// closeAfterError does not checkpoint if the files are not those that were opened: the error may come from that.
func (w *groupWriter) closeAfterError() {
	if w.conn == nil {
		return
	}
	now, err := w.cfg.fileState(w.raw)
	if err != nil || now.file == nil || w.contentChanged(now) || isForeignLog(w.lastFileState.wal, now.wal) {
		w.closeWithoutCheckpoint()
		return
	}
	w.closeWithCheckpoint()
}

func (w *groupWriter) serveRequests() {
	defer close(w.stopped)
	defer w.closeAtEnd()
	expiry := newExpiry(w)
	defer expiry.stopTimer()
	defer w.moveTimer.Stop()
	idle := time.NewTicker(w.tendEvery)
	defer idle.Stop()
	for {
		select {
		case r := <-w.queue:
			w.commitGroup(r)
		case <-expiry.dueChannel():
			expiry.expireSlice()
		case <-w.moveTimer.C:
			w.moveNextSlice()
		case <-idle.C:
			w.checkFilesWhileIdle()
			w.tendWhileQuiet()
		case <-w.stop:
			w.commitQueued()
			return
		}
		if err := w.restartLongLog(); err != nil { // whatever has written
			w.log.Warn("the write-ahead log", zap.Error(err))
		}
	}
}

// idleCheckInterval is how often the files are checked while nobody writes.
const idleCheckInterval = 10 * time.Second

func (w *groupWriter) checkFilesWhileIdle() {
	if w.conn == nil {
		return
	}
	// What was committed last is rescued from a log that somebody has removed, and damage is said, before the next write finds it out.
	if err := w.ensureOpen(); err != nil && w.refusedError == nil {
		w.log.Warn("the database cannot be written to", zap.Error(err))
	}
}

func (w *groupWriter) closeAtEnd() {
	if w.conn != nil {
		_ = w.checkFilesUnchanged(true) // a damaged file is let go of without a checkpoint
	}
	w.closeWithCheckpoint()
	w.closeRawFile()
}

func (w *groupWriter) commitQueued() {
	for {
		select {
		case r := <-w.queue:
			w.commitGroup(r)
		default:
			return
		}
	}
}

// commitGroup takes first and whatever has queued up behind it through one transaction, and answers each.
func (w *groupWriter) commitGroup(first *writeRequest) {
	w.group = append(w.group[:0], first)
	for range len(w.queue) {
		w.group = append(w.group, <-w.queue)
	}
	err := w.ensureOpen()
	if err == nil {
		err = w.beginTransaction()
	}
	w.dropWithdrawnRequests()
	if err == nil {
		err = w.insertUntilCommitted()
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
	w.tendPartitions()
}

func (w *groupWriter) dropWithdrawnRequests() {
	kept := w.group[:0]
	for _, r := range w.group {
		if r.claimOnce() {
			kept = append(kept, r)
		}
	}
	w.group = kept
}

// ensureOpen sees to it that the connection is good and that the files are still those that it was opened on.
func (w *groupWriter) ensureOpen() error {
	if w.conn != nil {
		if err := w.checkFilesUnchanged(false); err != nil {
			return err
		}
	}
	if w.conn != nil {
		return nil
	}
	return w.openUnlessDamaged(w.ctx)
}

func (w *groupWriter) beginTransaction() error {
	err := w.cfg.retryWhileBusy(w.ctx, func() error { return executeStatement(w.conn, "BEGIN IMMEDIATE") })
	if err != nil {
		return w.explainFailure("waiting for the write lock", err)
	}
	if err := w.refreshPartitions(); err != nil {
		w.rollbackOrClose()
		return err
	}
	return nil
}

// refreshPartitions reads the catalogue again if another program has written.
func (w *groupWriter) refreshPartitions() error {
	if w.dataVersion() == w.partitionsVersion {
		return nil
	}
	return w.reloadPartitions()
}

func (w *groupWriter) insertUntilCommitted() error {
	for {
		gone, err := w.insertGroupOrFindGone()
		if err == nil && gone < 0 {
			err = executeStatement(w.conn, "COMMIT")
		}
		if err == nil && gone < 0 {
			return nil
		}
		// The others go through a new transaction: rare, and free when no caller goes away.
		w.rollbackOrClose()
		if err != nil {
			return w.explainFailure("writing", err)
		}
		w.answerGoneCaller(gone)
		if len(w.group) == 0 {
			return nil
		}
		if err := w.ensureOpen(); err != nil {
			return err
		}
		if err := w.beginTransaction(); err != nil {
			return err
		}
	}
}

func (w *groupWriter) insertGroupOrFindGone() (gone int, err error) {
	for i, r := range w.group {
		err := w.serveRequest(r)
		if err != nil && r.ctx.Err() != nil {
			return i, nil //nolint:nilerr // the store did not fail: the caller went away
		}
		if err != nil {
			return -1, err
		}
	}
	return -1, nil
}

func (w *groupWriter) serveRequest(r *writeRequest) error {
	r.result, r.fates, r.err = backend.Result{}, nil, nil
	if r.do != nil {
		return w.serveAlone(r)
	}
	return w.insertEvents(r)
}

// serveAlone undoes a request that fails, and no other of its group: somebody may have dropped the tables of seals, or put a trigger on them.
func (w *groupWriter) serveAlone(r *writeRequest) error {
	if err := executeStatement(w.conn, "SAVEPOINT request"); err != nil {
		return err
	}
	err := r.do(w)
	switch code := sqlite.ErrCode(err).ToPrimary(); {
	case err == nil:
		return executeStatement(w.conn, "RELEASE request")
	case w.conn.AutocommitEnabled() || r.ctx.Err() != nil || needsReopen(err) || code == sqlite.ResultFull || code == sqlite.ResultInterrupt:
		return err // of the file, or the caller has gone
	}
	r.err = w.cfg.explainError("sealing", err)
	if err := executeStatement(w.conn, "ROLLBACK TO request"); err != nil {
		return err
	}
	return executeStatement(w.conn, "RELEASE request")
}

func (w *groupWriter) answerGoneCaller(i int) {
	r := w.group[i]
	r.result, r.err = backend.Result{}, context.Cause(r.ctx)
	close(r.done)
	w.group = slices.Delete(w.group, i, i+1)
}

func (w *groupWriter) rollbackOrClose() {
	if !w.conn.AutocommitEnabled() {
		if err := executeStatement(w.conn, "ROLLBACK"); err != nil {
			w.closeAfterError()
		}
	}
}

// explainFailure explains an error and lets go of a connection that is of no more use.
func (w *groupWriter) explainFailure(doing string, err error) error {
	if err == nil {
		return nil
	}
	if needsReopen(err) {
		w.closeAfterError()
	}
	return w.cfg.explainError(doing, err)
}
