package redshift

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
	"github.com/otel-sessionlog/sessionlog/internal/dialect/redshiftlog"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

var _ connectcheck.Checker = Config{}

// CheckConnection implements [connectcheck.Checker]. It logs in once, which the server's log shows, and wakes a serverless workgroup.
func (c Config) CheckConnection(ctx context.Context) []connectcheck.Finding {
	candidates, err := c.candidateTables()
	if err != nil {
		return []connectcheck.Finding{{Subject: "configuration", Detail: err.Error(), Key: "table"}}
	}
	t := &logTable{cfg: c, candidates: candidates, log: zap.NewNop(), rows: newRowBuffer(redshiftlog.NewMapper(""), false)}
	defer t.connection.closeConnection()
	if err := t.connection.ensureConnected(ctx, c.ClientConfig); err != nil {
		return []connectcheck.Finding{c.loginFinding(err)}
	}
	all := []connectcheck.Finding{{OK: true, Subject: "login", Detail: "logged in as " + c.Username}}
	if _, err := t.Now(ctx); err != nil {
		f := connectcheck.Finding{Subject: "server", Detail: err.Error(), Key: "endpoints", Remedy: "write host:port of a Redshift cluster or workgroup, usually port 5439"}
		if errors.Is(err, errNoRedshift) {
			f.Remedy = "write the block postgresql in place of redshift"
		}
		return append(all, f)
	}
	zone := connectcheck.Finding{OK: true, Subject: "zone", Detail: "times are asked for in UTC, whatever the account's zone"}
	return append(all, zone, c.tableFinding(ctx, t))
}

func (c Config) loginFinding(err error) connectcheck.Finding {
	f := connectcheck.Finding{
		Subject: "login", Detail: err.Error(), Key: "endpoints",
		Remedy: "write host:port of the cluster or workgroup, and let its security group take connections from here",
	}
	switch {
	case errors.Is(err, configpostgresql.ErrDatabase):
		f.Key, f.Remedy = "database", "write a database of the cluster, such as dev"
	case errors.Is(err, configpostgresql.ErrLogin):
		f.Key, f.Remedy = "username", "ALTER USER "+configpostgresql.QuoteIdentifierIfNeeded(c.Username)+" PASSWORD '…', with that as password"
	}
	return f
}

func (c Config) tableFinding(ctx context.Context, t *logTable) connectcheck.Finding {
	f := connectcheck.Finding{Subject: "table " + strings.Join(t.candidates, " or "), Key: "table"}
	l, err := findLayout(ctx, &t.connection, t.candidates, c.Username)
	var waiting *poll.WaitError
	switch {
	case err == nil:
		f.OK, f.Subject = true, "table "+l.table
		f.Detail = fmt.Sprintf("it is there and may be read; Redshift keeps its own for %d days, and writes them with a delay: overlap, %s, has to be longer",
			int(SystemTableRetention.Hours()/24), c.Overlap)
		return f
	case errors.Is(err, errDenied):
		f.Key, f.Remedy = "username", "GRANT SELECT ON "+t.candidates[0]+" TO "+configpostgresql.QuoteIdentifierIfNeeded(c.Username)
	case errors.As(err, &waiting):
		f.Remedy = "correct database, or write the table's name under table"
	default:
		f.Remedy = "write under table the name of a connection log"
	}
	f.Detail = err.Error()
	return f
}
