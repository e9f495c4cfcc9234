package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.uber.org/zap"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// allMigrations are all migrations. Each ends by writing its number into sessionlog_migrations, so that a file does the same by hand.
var allMigrations = migrations.MustRead(migrationFiles, "migrations")

// firstMigration is the name of the first; before 0.1.0 it had others.
const firstMigration = "storage"

// ourNames are the names that table_prefix precedes; those of indexes begin like their table's.
var ourNames = regexp.MustCompile(
	`\b(session_events(_\d+|_other)?|session_conflicts|session_log|stl_connection_log|sessions|sessionlog_settings|sessionlog_partitions|sessionlog_pairs|sessionlog_hours|sessionlog_migrations|session_seals|session_seal_pages)(_by_\w+|_delete|_forget)?\b`)

func (cfg *Config) prefixNames(sql string) string {
	if cfg.TablePrefix == "" {
		return sql
	}
	return ourNames.ReplaceAllString(sql, cfg.TablePrefix+"$0")
}

func (cfg *Config) migrateSchema(ctx context.Context, conn *sqlite.Conn, log *zap.Logger) error {
	// Each file takes the write lock before the version is read, so that of two programs that start at once one does the work.
	for more := true; more; {
		var err error
		if more, err = cfg.migrateOnce(ctx, conn); err != nil {
			return err
		}
	}
	if cfg.CreateSchema {
		if err := cfg.repairEventsView(ctx, conn); err != nil {
			return err
		}
		if err := cfg.makeViews(ctx, conn); err != nil {
			return err
		}
	} else {
		differing, err := cfg.differingViews(conn)
		if err != nil {
			return cfg.explainError("reading the schema", err)
		}
		migrations.WarnOfOldViews(log, differing)
	}
	return cfg.writeViewSettings(ctx, conn)
}

func (cfg *Config) migrateOnce(ctx context.Context, conn *sqlite.Conn) (more bool, err error) {
	version, err := cfg.schemaVersion(conn)
	if err != nil {
		return false, err
	}
	if !cfg.CreateSchema && version < int64(len(allMigrations)) {
		err := fmt.Errorf("sqlite: path %q has version %d of the schema, this program needs %d: %w: set create_schema, or run the files of migrations/ and views/ by hand",
			cfg.Path, version, len(allMigrations), ErrNoSchema)
		if version > 0 {
			return false, backend.MarkMisconfigured(err)
		}
		return false, err // somebody may be about to make it
	}
	if version == int64(len(allMigrations)) {
		return false, nil
	}
	return true, cfg.inTransaction(ctx, conn, "migrating", func() error {
		version, err := cfg.schemaVersion(conn)
		if err != nil || version == int64(len(allMigrations)) {
			return err
		}
		if version == 0 {
			if err := cfg.refuseNamesTaken(conn); err != nil {
				return err
			}
		}
		return cfg.runMigration(conn, allMigrations[version])
	})
}

// ofFilledPartition are the indexes of the first partition that wait until it is full: whoever runs the files by hand has no other.
var ofFilledPartition = regexp.MustCompile(`(?m)^CREATE INDEX session_events_1_by_(user_name|client_address|trace_id) .*;$`)

// alterEvents is how a migration says that every partition gets a column.
var alterEvents = regexp.MustCompile(`(?m)^ALTER TABLE session_events (ADD COLUMN .*;)$`)

func (cfg *Config) runMigration(conn *sqlite.Conn, m migrations.File) error {
	sql := ofFilledPartition.ReplaceAllString(m.SQL, "")
	if m.Version > 1 {
		all, err := cfg.readPartitions(conn, nil)
		if err != nil {
			return err
		}
		each := ""
		for _, table := range all.tables() {
			each += "ALTER TABLE " + strings.TrimPrefix(table, cfg.TablePrefix) + " $1\n"
		}
		sql = alterEvents.ReplaceAllString(sql, each)
	}
	if err := sqlitex.ExecuteScript(conn, cfg.prefixNames(sql), nil); err != nil {
		return fmt.Errorf("migration %s: %w", m.Name, err)
	}
	return nil
}

// schemaVersion is the number of the last migration, 0 of an empty file.
func (cfg *Config) schemaVersion(conn *sqlite.Conn) (version int64, err error) {
	there, err := queryText(conn, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?", cfg.prefixNames("sessionlog_migrations"))
	if err != nil || there == "" {
		return 0, cfg.explainError("reading the schema", err)
	}
	first := ""
	err = sqlitex.Execute(conn, cfg.prefixNames("SELECT version, name FROM sessionlog_migrations ORDER BY version DESC"), &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			version, first = max(version, stmt.ColumnInt64(0)), stmt.ColumnText(1)
			return nil
		},
	})
	if err == nil && first != "" && first != firstMigration {
		return 0, backend.MarkMisconfigured(fmt.Errorf("sqlite: path %q: %w: name another path, or move the file away", cfg.Path, backend.ErrBeforeFirstRelease))
	}
	if err == nil && version > int64(len(allMigrations)) {
		return 0, backend.MarkMisconfigured(fmt.Errorf("sqlite: path %q has version %d of the schema, this program knows %d: %w: use that one, or another path",
			cfg.Path, version, len(allMigrations), ErrNewerSchema))
	}
	return version, cfg.explainError("reading the schema", err)
}

func (cfg *Config) writeViewSettings(ctx context.Context, conn *sqlite.Conn) error {
	return cfg.inTransaction(ctx, conn, "writing settings", func() error {
		return errors.Join(
			cfg.writeSetting(conn, "include_postgresql", integerOf(cfg.STLConnectionLog.IncludePostgreSQL)),
			cfg.writeSetting(conn, "assumed_closed_after", int64(cfg.Sessions.AssumedClosedAfter/time.Second)))
	})
}

// inTransaction takes the write lock first, so that nothing read inside can be overtaken.
func (cfg *Config) inTransaction(ctx context.Context, conn *sqlite.Conn, doing string, do func() error) error {
	err := cfg.retryWhileBusy(ctx, func() error { return executeStatement(conn, "BEGIN IMMEDIATE") })
	if err != nil {
		return cfg.explainError(doing, err)
	}
	if err = do(); err == nil {
		err = executeStatement(conn, "COMMIT")
	}
	if err != nil && !conn.AutocommitEnabled() {
		_ = executeStatement(conn, "ROLLBACK") // fails only where the error has rolled back already
	}
	return cfg.explainError(doing, err)
}

func executeStatement(conn *sqlite.Conn, sql string) error {
	stmt, err := conn.Prepare(sql)
	if err != nil {
		return err
	}
	_, err = stmt.Step()
	return errors.Join(err, stmt.Reset())
}
