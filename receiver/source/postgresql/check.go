package postgresql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

var _ connectcheck.Checker = Config{}

const grantRemedy = "GRANT sessionlog_logs TO %s, as a superuser"

// CheckConnection is part of [connectcheck.Checker]. It logs in once, which the server's log shows.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	l := &logConnection{cfg: c, now: time.Now}
	defer l.closeConnection()
	rows, err := l.queryRows(ctx, false, "SELECT version()")
	if err != nil {
		return []connectcheck.Finding{c.refusedLogin(err)}
	}
	all := []connectcheck.Finding{{OK: true, Subject: "login", Detail: "logged in to " + string(rows[0][0])}}
	all = append(all, c.checkFunctions(ctx, l)...)
	server, err := l.readSettings(ctx)
	if err != nil {
		return append(all, connectcheck.Finding{Subject: "settings", Detail: err.Error()})
	}
	return append(all, server.settingFindings(c)...)
}

func (c Config) refusedLogin(err error) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "login", Detail: err.Error(), Key: "endpoints"}
	switch {
	case errors.Is(err, errRedshift):
		f.Subject, f.Remedy = "server", "write the block `redshift` in place of `postgresql`"
	case errors.Is(err, configpostgresql.ErrCleartext):
		f.Key, f.Remedy = "tls", "write `tls: {}`"
	case errors.Is(err, configpostgresql.ErrDatabase):
		f.Key, f.Remedy = "database", fmt.Sprintf("write the database in which install.sql was run, or GRANT CONNECT ON DATABASE %s TO %s", configpostgresql.QuoteIdentifierIfNeeded(c.Database), configpostgresql.QuoteIdentifierIfNeeded(c.Username))
	case errors.Is(err, configpostgresql.ErrLogin):
		f.Key, f.Remedy = "username", "ALTER ROLE "+configpostgresql.QuoteIdentifierIfNeeded(c.Username)+" LOGIN PASSWORD '…', and a line in pg_hba.conf for it"
	default:
		f.Remedy = "write host:port of the server, and check listen_addresses and firewalls"
	}
	return f
}

func (c Config) checkFunctions(ctx context.Context, l *logConnection) []connectcheck.Finding {
	f := connectcheck.Finding{Subject: "functions sessionlog.log_files and sessionlog.read_log", Key: "database"}
	rows, err := l.queryRows(ctx, false, functionsSQL)
	switch {
	case err != nil:
		f.Detail = err.Error()
		return []connectcheck.Finding{f}
	case string(rows[0][0]) != "2":
		f.Detail, f.Remedy = "they are not in this database", "psql -X -v ON_ERROR_STOP=1 -d "+connectcheck.ShellWord(c.Database)+" -f install.sql, as a superuser"
		return []connectcheck.Finding{f}
	case string(rows[0][1]) != "t":
		f.Subject, f.Detail, f.Key = "grant sessionlog_logs", "the account may not call them", "username"
		f.Remedy = fmt.Sprintf(grantRemedy, configpostgresql.QuoteIdentifierIfNeeded(c.Username))
		return []connectcheck.Finding{f}
	}
	f.OK, f.Detail = true, "they are there, and the account may call them"
	return []connectcheck.Finding{f, c.checkFiles(ctx, l)}
}

const functionsSQL = `SELECT count(*), coalesce(bool_and(has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE')), false)
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'sessionlog' AND p.proname IN ('log_files', 'read_log')`

func (c Config) checkFiles(ctx context.Context, l *logConnection) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "log files", Key: "format"}
	rows, err := l.queryRows(ctx, false, listSQL)
	if err != nil {
		f.Detail, f.Remedy = err.Error(), "ALTER SYSTEM SET logging_collector = on, then restart the server"
		return f
	}
	f.OK, f.Detail = true, fmt.Sprintf("%d log files can be read", len(rows))
	return f
}
