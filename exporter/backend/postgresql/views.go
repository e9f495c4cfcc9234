package postgresql

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

// allViews are all views; one that reads another comes after it.
var allViews = migrations.MustReadViews(viewFiles, "views")

const (
	invalidTableDefinition = "42P16" // a view cannot be replaced by one with other columns
	dependentObjects       = "2BP01" // something depends on what is to be dropped
	lockNotAvailable       = "55P03"
)

// makeViews makes those views anew whose text is not this program's, unless a newer program has made them. Whoever was granted a view keeps
// the grant, and a view keeps its options. What cannot be made now is tried again by maintenance.
func (s *eventStore) makeViews(ctx context.Context, conn *pgconn.PgConn) error {
	differing, err := s.differingViews(ctx, conn)
	if err != nil || len(differing) == 0 {
		return err
	}
	// Who waits for those who read a view keeps everybody else waiting who reads it.
	err = s.underMigrationLock(ctx, conn, s.lockTimeout, func() error { return replaceViews(ctx, conn, differing) })
	if configpostgresql.SQLState(err) == invalidTableDefinition {
		err = s.underMigrationLock(ctx, conn, s.lockTimeout, func() error { return s.remakeViews(ctx, conn, s.withReaders(differing)) })
	}
	switch configpostgresql.SQLState(err) {
	case dependentObjects:
		s.log.Warn("a view is still as an older version made it, because something of yours depends on it: drop that, restart, and create it again",
			zap.Error(err))
		return nil
	case lockNotAvailable:
		s.log.Warn("views are still as an older version made them, because a transaction is reading them: end it; it is tried again every ten minutes",
			zap.Error(err))
		return nil
	}
	return err
}

func (s *eventStore) differingViews(ctx context.Context, conn *pgconn.PgConn) (differing []migrations.View, err error) {
	all := s.namedViews()
	rows, err := queryRows(ctx, conn, "SELECT coalesce(obj_description(to_regclass(name), 'pg_class'), '') FROM unnest(ARRAY["+migrations.QuotedNames(all)+"]) WITH ORDINALITY AS v(name, place) ORDER BY place")
	if err != nil {
		return nil, err
	}
	for i, v := range all {
		if comment := rows[i][0]; comment != v.Comment() && !migrations.IsOfNewerProgram(comment) {
			differing = append(differing, v)
		}
	}
	return differing, nil
}

func (s *eventStore) checkViewsByHand(ctx context.Context, conn *pgconn.PgConn) error {
	var differing []migrations.View
	for _, v := range s.namedViews() {
		// Who runs the files by hand leaves no comment: definitions are compared, and what is made for that is rolled back.
		if err := execStatements(ctx, conn, "BEGIN;\n"+strings.Replace(v.SQL, "CREATE VIEW "+v.Name, "CREATE TEMPORARY VIEW sessionlog_wanted", 1)); err != nil {
			return errors.Join(err, execStatements(ctx, conn, "ROLLBACK"))
		}
		rows, err := queryRows(ctx, conn, "SELECT coalesce(pg_get_viewdef(to_regclass('"+v.Name+"')) = pg_get_viewdef('sessionlog_wanted'::regclass), false)")
		if err = errors.Join(err, execStatements(ctx, conn, "ROLLBACK")); err != nil {
			return err
		}
		if rows[0][0] != "t" {
			differing = append(differing, v)
		}
	}
	migrations.WarnOfOldViews(s.log, differing)
	return nil
}

func (s *eventStore) namedViews() (all []migrations.View) {
	for _, v := range s.views {
		all = append(all, migrations.View{Name: s.cfg.prefixNames(v.Name), SQL: s.cfg.prefixNames(v.SQL)})
	}
	return all
}

func (s *eventStore) refuseNamesTaken(ctx context.Context, conn *pgconn.PgConn) error {
	rows, err := queryRows(ctx, conn, "SELECT relname FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relname = ANY (ARRAY["+
		migrations.QuotedNames(s.namedViews())+"]::name[])")
	if err != nil || len(rows) == 0 {
		return err
	}
	return backend.NameTaken("postgresql: "+s.cfg.FirstHost(), rows[0][0], "schema or table_prefix")
}

func replaceViews(ctx context.Context, conn *pgconn.PgConn, all []migrations.View) error {
	for _, v := range all {
		options, err := queryRows(ctx, conn, "SELECT coalesce(array_to_string(reloptions, ', '), '') FROM pg_class WHERE oid = to_regclass('"+v.Name+"')")
		if err != nil {
			return err
		}
		with := ""
		if len(options) > 0 && options[0][0] != "" {
			with = " WITH (" + options[0][0] + ")"
		}
		err = execStatements(ctx, conn, strings.Replace(v.SQL, "CREATE VIEW "+v.Name, "CREATE OR REPLACE VIEW "+v.Name+with, 1)+
			";\nCOMMENT ON VIEW "+v.Name+" IS '"+v.Comment()+"'")
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *eventStore) withReaders(these []migrations.View) (all []migrations.View) {
	reads := func(v migrations.View) bool {
		return slices.ContainsFunc(all, func(t migrations.View) bool { return strings.HasSuffix(v.SQL, "FROM "+t.Name) })
	}
	for _, v := range s.namedViews() {
		if slices.Contains(these, v) || reads(v) {
			all = append(all, v)
		}
	}
	return all
}

const grantsOnView = `SELECT format('GRANT %%s ON %%I TO %%s%%s', privilege_type, relname,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass('%[1]s') AND grantee <> relowner
UNION ALL SELECT format('GRANT %%s (%%I) ON %%I TO %%s%%s', privilege_type, attname, relname,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid, aclexplode(attacl) WHERE pg_class.oid = to_regclass('%[1]s') AND grantee <> relowner
UNION ALL SELECT format('ALTER VIEW %%I SET (%%s)', relname, array_to_string(reloptions, ', '))
FROM pg_class WHERE oid = to_regclass('%[1]s') AND reloptions IS NOT NULL`

func (s *eventStore) remakeViews(ctx context.Context, conn *pgconn.PgConn, all []migrations.View) error {
	// A view that is to have other columns cannot be replaced.
	var drops, restore []string
	for _, v := range all {
		drops = append(drops, v.Name)
		rows, err := queryRows(ctx, conn, fmt.Sprintf(grantsOnView, v.Name))
		if err != nil {
			return err
		}
		for _, r := range rows {
			restore = append(restore, r[0])
		}
	}
	if err := execStatements(ctx, conn, "DROP VIEW IF EXISTS "+strings.Join(drops, ", ")); err != nil {
		return err
	}
	if err := replaceViews(ctx, conn, all); err != nil {
		return err
	}
	return execStatements(ctx, conn, strings.Join(restore, ";\n"))
}
