package postgresql

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection tries the login, and looks at the schema, its version, the grants, and the server's zone and care for its disk. It
// changes nothing.
func (cfg Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	s := &store{cfg: cfg, log: zap.NewNop(), files: files}
	conn, err := s.connect(ctx)
	if err != nil {
		key, remedy := loginRemedy(err)
		return []connectcheck.Finding{{Subject: "login", Detail: cfg.explain("connecting", err).Error(), Key: key, Remedy: remedy}}
	}
	defer logOut(conn)
	findings := []connectcheck.Finding{{OK: true, Subject: "login", Detail: cfg.FirstHost()}}
	return append(findings, s.checkSchema(ctx, conn)...)
}

func loginRemedy(err error) (key, remedy string) {
	switch {
	case errors.Is(err, configpostgresql.ErrLogin):
		return "username", "ALTER ROLE … PASSWORD '…', or a line of pg_hba.conf that lets this account in"
	case errors.Is(err, configpostgresql.ErrDatabase):
		return "database", "CREATE DATABASE …, or GRANT CONNECT ON DATABASE … TO …"
	case errors.Is(err, ErrTooOld):
		return "endpoints", "name a PostgreSQL server of version 14 or later"
	}
	return "endpoints", "name a server that runs and takes writes, and its port"
}

// checkSchema asks one question after the other. What cannot be asked is a finding itself.
func (s *store) checkSchema(ctx context.Context, conn *pgconn.PgConn) (findings []connectcheck.Finding) {
	ask := func(subject, key, remedy, sql string, judge func(row []string) (ok bool, detail string)) bool {
		rows, err := query(ctx, conn, s.cfg.named(sql))
		if err != nil || len(rows) == 0 {
			findings = append(findings, connectcheck.Finding{Subject: subject, Detail: fmt.Sprint(s.cfg.explain("checking", err)), Key: key, Remedy: remedy})
			return false
		}
		ok, detail := judge(rows[0])
		f := connectcheck.Finding{OK: ok, Subject: subject, Detail: detail}
		if !ok {
			f.Key, f.Remedy = key, remedy
		}
		findings = append(findings, f)
		return ok
	}
	schema := s.cfg.Schema
	ask("server zone", "", "", "SELECT current_setting('timezone')", func(r []string) (bool, string) {
		return true, r[0] + ": times are moments, whatever it is; recordtime is UTC without a zone"
	})
	ask("fsync", "endpoints", "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()", "SELECT current_setting('fsync')", func(r []string) (bool, string) {
		return r[0] != "off", r[0]
	})
	if !ask("schema", "schema", "CREATE SCHEMA … AUTHORIZATION "+s.cfg.Username, "SELECT coalesce(current_schema(), '')", func(r []string) (bool, string) {
		schema = r[0]
		return r[0] != "", r[0]
	}) {
		return findings
	}
	version, err := s.version(ctx, conn)
	f := connectcheck.Finding{
		OK: err == nil && version <= len(s.files) && (version == len(s.files) || s.cfg.CreateSchema), Subject: "schema version",
		Detail: fmt.Sprintf("version %d of %d", version, len(s.files)),
	}
	if !f.OK {
		f.Key, f.Remedy = "create_schema", "set create_schema: true, or run the files of migrations that are missing; a newer schema needs its program"
	}
	findings = append(findings, f)
	if s.cfg.CreateSchema {
		ask("grant CREATE on the schema", "schema", "GRANT CREATE, USAGE ON SCHEMA "+schema+" TO "+s.cfg.Username, "SELECT has_schema_privilege(current_schema(), 'CREATE')", isTrue)
	}
	ask("grant TEMPORARY on the database", "database", "GRANT TEMPORARY ON DATABASE … TO "+s.cfg.Username, "SELECT has_database_privilege(current_database(), 'TEMPORARY')", isTrue)
	if version > 0 {
		for _, table := range []string{"session_events", "session_conflicts"} {
			ask("grant INSERT, SELECT on "+table, "username", "GRANT INSERT, SELECT ON "+schema+"."+s.cfg.named(table)+" TO "+s.cfg.Username,
				"SELECT has_table_privilege('"+table+"', 'INSERT') AND has_table_privilege('"+table+"', 'SELECT')", isTrue)
		}
	}
	return findings
}

func isTrue(row []string) (bool, string) {
	return row[0] == "t", map[bool]string{true: "granted", false: "missing"}[row[0] == "t"]
}
