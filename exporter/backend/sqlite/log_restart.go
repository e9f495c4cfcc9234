package sqlite

import (
	"os"
	"time"

	"go.uber.org/zap"
)

const (
	// longLog is how many bytes the write-ahead log may have, as journal_size_limit has it: a log that starts again is cut to it.
	longLog = 64 << 20
	// restartWait is how long a restart of the log may wait for readers, and writers for it. The explorer's statements end sooner.
	restartWait = time.Second
	// One that failed is tried again after the first time, then after twice as long each time: whoever reads then reads for long.
	firstRestartAgain, lastRestartAgain = time.Second, time.Minute
	// longRestart is how long it may fail before it is logged.
	longRestart = time.Minute

	logGrows = "the log grows"
)

type logRestart struct {
	firstFailed, due time.Duration // elapsed
	again            time.Duration // 0: the last one did not fail
}

func (w *groupWriter) restartLongLog() error {
	if w.conn == nil {
		return nil
	}
	info, err := os.Stat(w.cfg.Path + "-wal")
	if err != nil || info.Size() <= w.longLog {
		w.restart = logRestart{}
		w.conditions.Clear(logGrows, "the write-ahead log restarts again")
		return nil //nolint:nilerr // a log that has gone is looked for before the next commit
	}
	now := w.elapsed()
	if now < w.restart.due {
		return nil
	}
	// SQLite does so by itself when nobody reads, which never happens where each reader begins before the one before has ended.
	w.conn.SetBusyTimeout(restartWait)
	busy, err := queryNumber(w.conn, "PRAGMA wal_checkpoint(RESTART)")
	w.conn.SetBusyTimeout(busyStep)
	if err != nil {
		return w.explainFailure("bringing the write-ahead log into the file", err)
	}
	if busy == 0 { // the next commit is written to its beginning, and cuts it
		w.restart = logRestart{}
		return nil
	}
	if w.restart.again == 0 {
		w.restart.firstFailed = now
	}
	w.restart.again = min(max(2*w.restart.again, firstRestartAgain), lastRestartAgain)
	w.restart.due = w.elapsed() + w.restart.again
	if now-w.restart.firstFailed >= longRestart {
		w.conditions.Raise(logGrows, "the write-ahead log cannot be restarted and grows, since a program has been reading the database for a long time: end its transaction (fuser names the programs that have the file open)",
			zap.String("log", w.cfg.Path+"-wal"), zap.Int64("bytes", info.Size()))
	}
	return nil
}
