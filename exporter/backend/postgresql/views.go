package postgresql

import (
	"context"
	"embed"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

// views are all views; one that reads another stands behind it.
var views = migrations.MustReadViews(viewFiles, "views")

const (
	invalidTableDefinition = "42P16" // a view cannot be replaced by one with other columns
	dependentObjects       = "2BP01" // something stands on what is to be dropped
)

// makeViews makes those views anew whose text is not this program's. The comment on a view has the digest of its text. Whoever was granted a
// view keeps the grant.
func (s *store) makeViews(ctx context.Context, conn *pgconn.PgConn) error {
	var differing []migrations.View
	for _, v := range s.views {
		v = migrations.View{Name: s.cfg.named(v.Name), SQL: s.cfg.named(v.SQL)}
		rows, err := query(ctx, conn, "SELECT coalesce(obj_description(to_regclass('"+v.Name+"'), 'pg_class'), '')")
		if err != nil {
			return err
		}
		if rows[0][0] != viewComment(v) {
			differing = append(differing, v)
		}
	}
	if len(differing) == 0 {
		return nil
	}
	err := s.underMigrationLock(ctx, conn, func() error { return replaceViews(ctx, conn, differing) })
	if configpostgresql.Code(err) == invalidTableDefinition {
		err = s.underMigrationLock(ctx, conn, func() error { return s.remakeViews(ctx, conn) })
	}
	if configpostgresql.Code(err) == dependentObjects {
		s.log.Warn("a view stays as an older program made it, for something of yours stands on it: drop that, start again, and make it anew",
			zap.Error(err))
		return nil
	}
	return err
}

func viewComment(v migrations.View) string { return "sessionlog " + migrations.Digest(v.SQL) }

func replaceViews(ctx context.Context, conn *pgconn.PgConn, all []migrations.View) error {
	for _, v := range all {
		err := exec(ctx, conn, strings.Replace(v.SQL, "CREATE VIEW", "CREATE OR REPLACE VIEW", 1)+
			";\nCOMMENT ON VIEW "+v.Name+" IS '"+viewComment(v)+"'")
		if err != nil {
			return err
		}
	}
	return nil
}

// remakeViews drops all views and makes them anew, for one that is to have other columns cannot be replaced.
func (s *store) remakeViews(ctx context.Context, conn *pgconn.PgConn) error {
	var all []migrations.View
	var drops, grants []string
	for _, v := range s.views {
		v = migrations.View{Name: s.cfg.named(v.Name), SQL: s.cfg.named(v.SQL)}
		all = append(all, v)
		drops = append(drops, v.Name)
		rows, err := query(ctx, conn, `SELECT format('GRANT %s ON %I TO %s', privilege_type, relname,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass('`+v.Name+`') AND grantee <> relowner`)
		if err != nil {
			return err
		}
		for _, r := range rows {
			grants = append(grants, r[0])
		}
	}
	if err := exec(ctx, conn, "DROP VIEW IF EXISTS "+strings.Join(drops, ", ")); err != nil {
		return err
	}
	if err := replaceViews(ctx, conn, all); err != nil {
		return err
	}
	return exec(ctx, conn, strings.Join(grants, ";\n"))
}
