package sqlite

import (
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const (
	summarySetting = "summed_up_to" // the arrival up to which the summary has counted
	summaryRows    = 16_384         // counted in one transaction: some 50 ms
)

// countSummary has statements that add the rows with arrivals above parameter 1 and up to parameter 2. A row is written only where that says
// something new: pairs and users come in no order, and each write is one of a page.
var countSummary = []string{`INSERT INTO sessionlog_pairs
SELECT user_name, client_address, coalesce(system, x''), coalesce(instance, x''), time, time FROM session_events
WHERE arrival > ?1 AND arrival <= ?2 AND kind = 'login' AND outcome = 'success' AND +user_name IS NOT NULL AND +client_address IS NOT NULL
ON CONFLICT DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)
WHERE excluded.first < first OR excluded.last > last + 86400000000000`, `INSERT INTO sessionlog_hours
SELECT time / 86400000000000, user_name, coalesce(system, x''), coalesce(instance, x''), 1 << (time / 3600000000000 % 24) FROM session_events
WHERE arrival > ?1 AND arrival <= ?2 AND kind = 'login' AND outcome = 'success' AND +user_name IS NOT NULL AND +time >= 0
ON CONFLICT DO UPDATE SET hours = hours | excluded.hours WHERE hours & excluded.hours = 0`}

// forgetSummary has statements that delete what is only of logins before parameter 1.
var forgetSummary = []string{
	"DELETE FROM sessionlog_pairs WHERE last < ?1 - 86400000000000",
	"DELETE FROM sessionlog_hours WHERE day < ?1 / 86400000000000",
}

func (cfg *Config) countRowsInTransaction(conn *sqlite.Conn, above, upTo int64) error {
	for _, sql := range countSummary {
		if err := sqlitex.Execute(conn, cfg.prefixNames(sql), &sqlitex.ExecOptions{Args: []any{above, upTo}}); err != nil {
			return err
		}
	}
	return cfg.writeSetting(conn, summarySetting, upTo)
}

func (w *groupWriter) extendSummary() (more bool, err error) {
	above, err := w.cfg.readSetting(w.conn, summarySetting)
	if err != nil || above >= w.partitions.nextArrival-1 {
		return false, w.explainFailure("counting who logged in from where", err)
	}
	err = w.tendInTransaction("counting who logged in from where", func() error {
		// Read again: whoever puts another file in its place, or has the summary counted anew, may do so at any moment.
		above, err := w.cfg.readSetting(w.conn, summarySetting)
		upTo := min(above+summaryRows, w.partitions.nextArrival-1)
		more = upTo < w.partitions.nextArrival-1
		if err != nil || upTo <= above {
			return err
		}
		return w.cfg.countRowsInTransaction(w.conn, above, upTo)
	})
	return more && w.conn != nil, err
}

func (w *groupWriter) keepSummary(isBusy bool) error {
	if err := w.refreshPartitions(); err != nil { // somebody may have deleted rows
		return err
	}
	for {
		more, err := w.extendSummary()
		if err != nil || !more || isBusy || len(w.queue) > 0 {
			return err
		}
	}
}

func (x *expiryTimer) forgetExpired(oldest int64) error {
	if oldest-x.forgotten < int64(min(time.Hour, x.ttl/10)) {
		return nil // it reads the summary through
	}
	x.forgotten = oldest
	for _, sql := range forgetSummary {
		if err := sqlitex.ExecuteTransient(x.conn, x.cfg.prefixNames(sql), &sqlitex.ExecOptions{Args: []any{oldest}}); err != nil {
			return err
		}
	}
	return nil
}
