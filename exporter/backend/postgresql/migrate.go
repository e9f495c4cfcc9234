package postgresql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

var allMigrations = migrations.MustRead(migrationFiles, "migrations")

const migrationsTable = `CREATE TABLE IF NOT EXISTS sessionlog_migrations (
    version    integer PRIMARY KEY,
    name       varchar(255) NOT NULL,
    applied_at timestamp NOT NULL -- UTC
)`

// migrateSchema brings the schema to this program's version in one transaction. The lock is taken before the version is read, so
// that of several programs that start at once one does the work.
func (s *eventStore) migrateSchema(ctx context.Context, conn *pgconn.PgConn) error {
	all := s.files
	version, err := s.schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	switch {
	case version > len(all):
		return backend.MarkMisconfigured(fmt.Errorf("postgresql: %s has version %d of the schema, this program knows %d: %w: use that one, or another schema or table_prefix",
			s.cfg.FirstHost(), version, len(all), ErrNewerSchema))
	case version == len(all):
		return nil
	case !s.cfg.CreateSchema:
		err := fmt.Errorf("postgresql: %s has version %d of the schema, this program needs %d: %w: set create_schema, or run the files of migrations/ and views/ by hand",
			s.cfg.FirstHost(), version, len(all), ErrNoSchema)
		if version > 0 {
			return backend.MarkMisconfigured(err)
		}
		return err // somebody may be about to make it
	}
	if err := s.makeMigrationsTable(ctx, conn); err != nil {
		return err
	}
	return s.underMigrationLock(ctx, conn, 0, func() error { return s.runMigrations(ctx, conn) })
}

func (s *eventStore) runMigrations(ctx context.Context, conn *pgconn.PgConn) error {
	version, err := s.schemaVersion(ctx, conn) // another program may have been faster
	if err != nil || version >= len(s.files) {
		return err
	}
	if version == 0 {
		if err := s.refuseNamesTaken(ctx, conn); err != nil {
			return err
		}
	}
	for _, m := range s.files[version:] {
		if err := execStatements(ctx, conn, s.cfg.prefixNames(m.SQL)); err != nil {
			return fmt.Errorf("migration %s: %w", m.Name, err)
		}
		note := fmt.Sprintf("INSERT INTO sessionlog_migrations VALUES (%d, '%s', '%s')", m.Version, m.Name+".sql", time.Now().UTC().Format(time.DateTime))
		if err := execStatements(ctx, conn, s.cfg.prefixNames(note)); err != nil {
			return err
		}
	}
	return nil
}

// underMigrationLock runs do in a transaction that one program at a time is in. It waits no longer than timeout for any lock; 0 is for ever.
func (s *eventStore) underMigrationLock(ctx context.Context, conn *pgconn.PgConn, timeout time.Duration, do func() error) error {
	return inTransaction(ctx, conn, func() error {
		if err := execStatements(ctx, conn, lockTimeout(timeout)+"; "+s.cfg.prefixNames("LOCK TABLE sessionlog_migrations")); err != nil {
			return err
		}
		return do()
	})
}

func lockTimeout(timeout time.Duration) string {
	return fmt.Sprintf("SET LOCAL lock_timeout = %d", timeout.Milliseconds())
}

func (s *eventStore) makeMigrationsTable(ctx context.Context, conn *pgconn.PgConn) error {
	// That two make it at once is an error of one of them, in spite of IF NOT EXISTS.
	err := execStatements(ctx, conn, s.cfg.prefixNames(migrationsTable))
	if raced := []string{"23505", "42P07", "42710", "40001", "XX000"}; slices.Contains(raced, configpostgresql.SQLState(err)) {
		err = nil // what else may be wrong shows when the table is locked
	}
	return err
}

// schemaVersion is the number of the last migration, 0 where there was none.
func (s *eventStore) schemaVersion(ctx context.Context, conn *pgconn.PgConn) (int, error) {
	// information_schema does not show a table that we may not read.
	there, err := queryRows(ctx, conn, "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"+
		" WHERE n.nspname = current_schema() AND c.relname = '"+s.cfg.prefixNames("sessionlog_migrations")+"'")
	if err != nil || there[0][0] == "0" {
		return 0, err
	}
	rows, err := queryRows(ctx, conn, s.cfg.prefixNames("SELECT coalesce(max(version), 0), coalesce(min(name), '') FROM sessionlog_migrations"))
	if err != nil {
		return 0, err
	}
	if first := rows[0][1]; first != "" && first != allMigrations[0].Name+".sql" {
		return 0, backend.MarkMisconfigured(fmt.Errorf("postgresql: %s: %w: name another schema or table_prefix, or drop them",
			s.cfg.FirstHost(), backend.ErrBeforeFirstRelease))
	}
	return strconv.Atoi(rows[0][0])
}

func (s *eventStore) writeViewSettings(ctx context.Context, conn *pgconn.PgConn) error {
	include := 0
	if s.cfg.STLConnectionLog.IncludePostgreSQL {
		include = 1
	}
	want := map[string]string{
		"include_postgresql":   strconv.Itoa(include),
		"assumed_closed_after": strconv.FormatInt(int64(s.cfg.Sessions.AssumedClosedAfter/time.Second), 10),
	}
	rows, err := queryRows(ctx, conn, s.cfg.prefixNames("SELECT name, value FROM sessionlog_settings"))
	if err != nil {
		return err
	}
	for _, r := range rows {
		if want[r[0]] == r[1] {
			delete(want, r[0])
		}
	}
	if len(want) == 0 {
		return nil
	}
	return inTransaction(ctx, conn, func() error {
		if err := execStatements(ctx, conn, s.cfg.prefixNames("LOCK TABLE sessionlog_settings")); err != nil {
			return err
		}
		for name, value := range want {
			err := execStatements(ctx, conn, s.cfg.prefixNames("DELETE FROM sessionlog_settings WHERE name = '"+name+"';\n"+
				"INSERT INTO sessionlog_settings VALUES ('"+name+"', "+value+")"))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// oldestServer is the first PostgreSQL that is still maintained.
const oldestServer = 14

func (s *eventStore) checkServer(conn *pgconn.PgConn) error {
	text := conn.ParameterStatus("server_version")
	var major int // 0 of whatever calls itself otherwise
	_, _ = fmt.Sscanf(text, "%d", &major)
	switch {
	case major == 0:
		return nil
	case major == 8:
		return backend.MarkMisconfigured(fmt.Errorf("postgresql: %s says it is PostgreSQL %s, as Redshift does: %w: "+
			"Redshift is read, not written to; name a PostgreSQL server of version %d or later under endpoints",
			s.cfg.FirstHost(), text, ErrTooOld, oldestServer))
	case major < oldestServer:
		return backend.MarkMisconfigured(fmt.Errorf("postgresql: %s is PostgreSQL %s: %w: %d or later is needed", s.cfg.FirstHost(), text, ErrTooOld, oldestServer))
	}
	return nil
}

func inTransaction(ctx context.Context, conn *pgconn.PgConn, do func() error) error {
	err := execStatements(ctx, conn, "BEGIN")
	if err == nil {
		err = do()
	}
	if err == nil {
		return execStatements(ctx, conn, "COMMIT")
	}
	if !conn.IsClosed() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, execStatements(ctx, conn, "ROLLBACK"))
	}
	return err
}
