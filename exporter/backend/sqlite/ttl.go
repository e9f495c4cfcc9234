package sqlite

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

func (w *groupWriter) applyTTL(ctx context.Context, conn *sqlite.Conn) error {
	w.ttl = 0
	memory, err := w.cfg.readMemory(conn)
	if err != nil {
		return w.cfg.explainError("reading settings", err)
	}
	limit, followed := retention.TTLChange{TTL: w.cfg.TTL, InForce: memory.InForce(), Confirmed: w.cfg.TTLConfirm}, memory
	if limit.TTL > 0 {
		if followed, err = w.followClock(conn, limit.TTL, memory); err != nil {
			return w.cfg.explainError("looking for what would expire", err)
		}
		oldest := w.guard.Oldest(limit.TTL)
		shares, err := w.cfg.expiredShares(conn, oldest, limit.Shortens())
		if err != nil {
			return w.cfg.explainError("counting what has expired", err)
		}
		w.ttl = w.guard.Decide(limit, oldest, shares)
	}
	next := w.guard.Conclude(memory, followed, limit.TTL)
	if next == memory {
		return nil
	}
	return w.cfg.inTransaction(ctx, conn, "writing settings", func() error { return w.cfg.writeMemory(conn, next) })
}

// followClock lets the guard compare the clock with what the file remembers.
func (w *groupWriter) followClock(conn *sqlite.Conn, ttl time.Duration, memory retention.StoredState) (retention.StoredState, error) {
	limit := retention.TTLChange{TTL: ttl, Confirmed: w.cfg.TTLConfirm}
	return w.guard.FollowClock(w.now(), limit, memory, func(from, to time.Time) (bool, error) {
		parts, err := w.cfg.readPartitions(conn, nil)
		if err != nil {
			return false, err
		}
		for _, table := range append(parts.tables(), w.cfg.prefixNames("session_conflicts")) {
			some, err := queryNumber(conn, "SELECT count(*) FROM (SELECT 1 FROM "+table+" WHERE time >= ? AND time < ? LIMIT 1)", retention.BoundedUnixNano(from), retention.BoundedUnixNano(to))
			if err != nil || some > 0 {
				return true, err
			}
		}
		return false, nil
	})
}

func (cfg *Config) readMemory(conn *sqlite.Conn) (m retention.StoredState, err error) {
	for name, value := range m.Settings() {
		if *value, err = cfg.readSetting(conn, name); err != nil {
			return m, err
		}
	}
	return m, nil
}

// writeMemory writes in the transaction that is open.
func (cfg *Config) writeMemory(conn *sqlite.Conn, m retention.StoredState) error {
	for name, value := range m.Settings() {
		if err := cfg.writeSetting(conn, name, *value); err != nil {
			return err
		}
	}
	return nil
}

func (cfg *Config) expiredShares(conn *sqlite.Conn, oldest time.Time, total bool) (all []retention.ExpiredShare, err error) {
	parts, err := cfg.readPartitions(conn, nil)
	if err != nil {
		return nil, err
	}
	for _, aging := range []struct {
		name   string
		tables []string
	}{{"session_events", parts.tables()}, {"session_conflicts", []string{cfg.prefixNames("session_conflicts")}}} {
		share := retention.ExpiredShare{Table: aging.name}
		for _, table := range aging.tables {
			if err := addToShare(conn, &share, table, oldest, total); err != nil {
				return nil, err
			}
		}
		all = append(all, share)
	}
	return all, nil
}

func addToShare(conn *sqlite.Conn, share *retention.ExpiredShare, table string, oldest time.Time, total bool) error {
	expired, err := queryNumber(conn, "SELECT count(*) FROM "+table+" WHERE time < ?", retention.BoundedUnixNano(oldest))
	share.Expired += expired
	if err != nil || !total {
		return err
	}
	rows, err := queryNumber(conn, "SELECT count(*) FROM "+table)
	share.Total += rows
	return err
}

const (
	upsertSetting       = "INSERT INTO sessionlog_settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
	viewRevisionSetting = "view_revision"
)

func (cfg *Config) writeSetting(conn *sqlite.Conn, name string, value int64) error {
	return sqlitex.Execute(conn, cfg.prefixNames(upsertSetting), &sqlitex.ExecOptions{Args: []any{name, value}})
}

// readSetting is a number that was noted in the file, 0 where it was not.
func (cfg *Config) readSetting(conn *sqlite.Conn, name string) (int64, error) {
	return askNumber(sqlitex.Execute, conn, cfg.prefixNames("SELECT coalesce(max(value), 0) FROM sessionlog_settings WHERE name = ?"), name)
}

func queryNumber(conn *sqlite.Conn, sql string, args ...any) (n int64, err error) {
	return askNumber(sqlitex.ExecuteTransient, conn, sql, args...)
}

// askNumber runs a statement that is kept, or one that is not.
func askNumber(execute func(*sqlite.Conn, string, *sqlitex.ExecOptions) error, conn *sqlite.Conn, sql string, args ...any) (n int64, err error) {
	err = execute(conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt64(0)
		return nil
	}})
	return n, err
}
