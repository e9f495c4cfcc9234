package postgresql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// CheckConnection tries the login, and looks at the schema, its version, the grants, and the server's zone and care for its disk. It
// changes nothing.
func (cfg Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	s := &eventStore{cfg: cfg, log: zap.NewNop(), files: allMigrations}
	conn, err := s.openServerConn(ctx)
	if err != nil {
		key, remedy := cfg.loginRemedy(err)
		return []connectcheck.Finding{{Subject: "login", Detail: cfg.explainError("connecting", err).Error(), Key: key, Remedy: remedy}}
	}
	defer closeGracefully(conn)
	findings := []connectcheck.Finding{{OK: true, Subject: "login", Detail: cfg.FirstHost()}}
	return append(findings, s.checkSchema(ctx, conn)...)
}

const codeDenied = "42501" // insufficient_privilege

func (cfg Config) loginRemedy(err error) (key, remedy string) {
	account, database := configpostgresql.QuoteIdentifierIfNeeded(cfg.Username), configpostgresql.QuoteIdentifierIfNeeded(cmp.Or(cfg.Database, cfg.Username))
	switch {
	case errors.Is(err, configpostgresql.ErrLogin):
		return "username", "ALTER ROLE " + account + " LOGIN PASSWORD '…', or a line of pg_hba.conf that lets this account in"
	case errors.Is(err, configpostgresql.ErrDatabase):
		return "database", "CREATE DATABASE " + database + ", or GRANT CONNECT ON DATABASE " + database + " TO " + account
	case errors.Is(err, configpostgresql.ErrCleartext):
		return "tls", "tls: {}, which verifies the server; or scram-sha-256 in its pg_hba.conf, or in auth_type of its pooler"
	case errors.Is(err, configpostgresql.ErrReadOnly):
		return "endpoints", configpostgresql.RemedyReadOnly
	case errors.Is(err, ErrTooOld):
		return "endpoints", "name a PostgreSQL server of version 14 or later"
	}
	return "endpoints", "name a server that runs and takes writes, and its port"
}

func (s *eventStore) checkSchema(ctx context.Context, conn *pgconn.PgConn) (findings []connectcheck.Finding) {
	ask := func(subject, key, remedy, sql string, judge func(row []string) (ok bool, detail string)) bool {
		rows, err := queryRows(ctx, conn, s.cfg.prefixNames(sql))
		if err != nil || len(rows) == 0 {
			findings = append(findings, connectcheck.Finding{Subject: subject, Detail: fmt.Sprint(s.cfg.explainError("checking", err)), Key: key, Remedy: remedy})
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
	schema, account := s.cfg.Schema, configpostgresql.QuoteIdentifierIfNeeded(s.cfg.Username)
	ask("server zone", "", "", "SELECT current_setting('timezone')", func(r []string) (bool, string) {
		return true, r[0] + ": times are moments, whatever it is; recordtime is UTC without a zone"
	})
	ask("fsync", "endpoints", "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf()", "SELECT current_setting('fsync')", func(r []string) (bool, string) {
		return r[0] != "off", r[0]
	})
	ask("encoding", "database", remedyEncoding, "SELECT current_setting('server_encoding')", func(r []string) (bool, string) {
		return r[0] == encodingUTF8, r[0]
	})
	if s.cfg.Schema != "" && !ask("grant USAGE on the schema", "schema", "GRANT CREATE, USAGE ON SCHEMA "+schema+" TO "+account,
		"SELECT coalesce(has_schema_privilege(to_regnamespace('"+schema+"'), 'USAGE'), true)", isGranted) {
		return findings
	}
	if !ask("schema", "schema", "CREATE SCHEMA "+configpostgresql.QuoteIdentifierIfNeeded(s.cfg.Schema)+" AUTHORIZATION "+account, "SELECT coalesce(current_schema(), '')", func(r []string) (bool, string) {
		schema = configpostgresql.QuoteIdentifierIfNeeded(r[0])
		return r[0] != "", r[0]
	}) {
		return findings
	}
	version, f := s.checkVersion(ctx, conn, account, schema)
	findings = append(findings, f)
	if s.cfg.CreateSchema {
		ask("grant CREATE on the schema", "schema", "GRANT CREATE, USAGE ON SCHEMA "+schema+" TO "+account, "SELECT has_schema_privilege(current_schema(), 'CREATE')", isGranted)
	}
	ask("grant TEMPORARY on the database", "database", "GRANT TEMPORARY ON DATABASE "+configpostgresql.QuoteIdentifierIfNeeded(cmp.Or(s.cfg.Database, s.cfg.Username))+" TO "+account,
		"SELECT has_database_privilege(current_database(), 'TEMPORARY')", isGranted)
	if version == 0 {
		return findings
	}
	for _, g := range s.cfg.tableGrants() {
		ask("grant "+g.rights+" on "+g.table, "username", "GRANT "+g.rights+" ON "+schema+"."+s.cfg.prefixNames(g.table)+" TO "+account, g.grantQuestion(), isGranted)
	}
	return findings
}

func (s *eventStore) checkVersion(ctx context.Context, conn *pgconn.PgConn, account, schema string) (version int, f connectcheck.Finding) {
	f.Subject = "schema version"
	version, err := s.schemaVersion(ctx, conn)
	switch {
	case configpostgresql.SQLState(err) == codeDenied:
		f.Detail, f.Key = fmt.Sprint(s.cfg.explainError("reading it", err)), "username"
		f.Remedy = "GRANT SELECT ON " + schema + "." + s.cfg.prefixNames("sessionlog_migrations") + " TO " + account
		return 0, f
	case err != nil:
		f.Detail, f.Key, f.Remedy = "could not be asked: "+fmt.Sprint(s.cfg.explainError("reading it", err)), "schema", "mend that and check again"
		return 0, f
	}
	f.Detail = fmt.Sprintf("version %d of %d", version, len(s.files))
	switch {
	case version > len(s.files):
		f.Key, f.Remedy = "schema", "use the newer program, or another schema or table_prefix"
	case version < len(s.files) && !s.cfg.CreateSchema:
		f.Key, f.Remedy = "create_schema", "set create_schema: true, or run the files of migrations/ and views/ that are missing"
	default:
		f.OK = true
	}
	return version, f
}

type tableGrant struct{ rights, table string }

func (cfg *Config) tableGrants() []tableGrant {
	rights := "INSERT, SELECT"
	if cfg.TTL > 0 {
		rights += ", DELETE"
	}
	grants := []tableGrant{{rights, "session_events"}, {rights, "session_conflicts"}}
	if cfg.TTL > 0 {
		grants = append(grants, tableGrant{"SELECT, INSERT, UPDATE", "sessionlog_settings"})
	}
	for _, table := range summaryTables {
		grants = append(grants, tableGrant{"SELECT, INSERT, UPDATE, DELETE", table})
	}
	return grants
}

func (g tableGrant) grantQuestion() string {
	var each []string
	for right := range strings.SplitSeq(g.rights, ", ") {
		each = append(each, "has_table_privilege('"+g.table+"', '"+right+"')")
	}
	return "SELECT " + strings.Join(each, " AND ")
}

func isGranted(row []string) (bool, string) {
	return row[0] == "t", map[bool]string{true: "granted", false: "missing"}[row[0] == "t"]
}
