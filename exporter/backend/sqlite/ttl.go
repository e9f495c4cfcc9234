package sqlite

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/retention"
)

func (w *writer) applyTTL(ctx context.Context, conn *sqlite.Conn) error {
	w.ttl = 0
	inForce, err := w.cfg.readSetting(conn, ttlSetting)
	if err != nil {
		return w.cfg.explainError("reading settings", err)
	}
	limit := retention.Limit{TTL: w.cfg.TTL, InForce: time.Duration(inForce) * time.Second, Confirmed: w.cfg.TTLConfirm}
	if limit.TTL > 0 {
		oldest := w.now().Add(-limit.TTL)
		shares, err := w.cfg.expiredShares(conn, oldest, limit.Shortens())
		if err != nil {
			return w.cfg.explainError("counting what has expired", err)
		}
		w.ttl = w.guard.Decide(limit, oldest, shares)
	}
	if w.guard.AwaitsConfirmation() || retention.Seconds(w.cfg.TTL) == inForce {
		return nil
	}
	return w.cfg.inTransaction(ctx, conn, "writing settings", func() error {
		return w.cfg.writeSetting(conn, ttlSetting, retention.Seconds(w.cfg.TTL))
	})
}

// expiredShares counts what is older than oldest and, where somebody wants to know, all.
func (cfg *Config) expiredShares(conn *sqlite.Conn, oldest time.Time, total bool) (all []retention.Share, err error) {
	parts, err := cfg.readPartitions(conn, nil)
	if err != nil {
		return nil, err
	}
	for _, aging := range []struct {
		name   string
		tables []string
	}{{"session_events", parts.tables()}, {"session_conflicts", []string{cfg.prefixNames("session_conflicts")}}} {
		share := retention.Share{Table: aging.name}
		for _, table := range aging.tables {
			if err := addToShare(conn, &share, table, oldest, total); err != nil {
				return nil, err
			}
		}
		all = append(all, share)
	}
	return all, nil
}

func addToShare(conn *sqlite.Conn, share *retention.Share, table string, oldest time.Time, total bool) error {
	expired, err := queryNumber(conn, "SELECT count(*) FROM "+table+" WHERE time < ?", oldest.UnixNano())
	share.Expired += expired
	if err != nil || !total {
		return err
	}
	rows, err := queryNumber(conn, "SELECT count(*) FROM "+table)
	share.Total += rows
	return err
}

const (
	upsertSetting = "INSERT INTO sessionlog_settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
	ttlSetting    = "ttl" // seconds; the last one that was put in force

	viewRevisionSetting = "view_revision"
)

func (cfg *Config) writeSetting(conn *sqlite.Conn, name string, value int64) error {
	return sqlitex.Execute(conn, cfg.prefixNames(upsertSetting), &sqlitex.ExecOptions{Args: []any{name, value}})
}

// readSetting is a number that was noted in the file, 0 where it was not.
func (cfg *Config) readSetting(conn *sqlite.Conn, name string) (int64, error) {
	return queryNumber(conn, cfg.prefixNames("SELECT coalesce(max(value), 0) FROM sessionlog_settings WHERE name = ?"), name)
}

// queryNumber runs a query for one.
func queryNumber(conn *sqlite.Conn, sql string, args ...any) (n int64, err error) {
	err = sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: func(stmt *sqlite.Stmt) error {
		n = stmt.ColumnInt64(0)
		return nil
	}})
	return n, err
}
