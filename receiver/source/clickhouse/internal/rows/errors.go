package rows

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

// RemediedError is an error that says already what can be done about it.
type RemediedError struct{ error }

// NewRemedied makes the error of a text that names the remedy.
func NewRemedied(format string, values ...any) error {
	return &RemediedError{fmt.Errorf(format, values...)}
}

// Unwrap is the error itself.
func (e *RemediedError) Unwrap() error { return e.error }

// Explain adds to an error of the server what can be done about it.
func (l Log) Explain(err error) error {
	var done *RemediedError
	switch {
	case errors.As(err, &done):
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownDatabase) && l.Database != "" && l.Database != l.Table.Database:
		return NewRemedied("database: the server has no database %q: correct the key database, or leave it out, "+
			"for tables are named in full (%w)", l.Database, err)
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable, configclickhouse.CodeUnknownDatabase):
		return &poll.WaitError{Err: fmt.Errorf("table: %s does not exist yet: %s", l.Table, l.absenceRemedy())}
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownCluster):
		return NewRemedied("all_replicas: the server knows no cluster %q: correct the key; SELECT DISTINCT cluster FROM system.clusters "+
			"lists them, ClickHouse Cloud's is called default (%w)", l.Cluster, err)
	case configclickhouse.HasCode(err, configclickhouse.CodeReadonly):
		return NewRemedied("all_replicas: the account's profile is readonly = 1, which does not let it pass over servers that are away "+
			"(setting skip_unavailable_shards): give it a profile with readonly = 2 (%w)", err)
	case configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied):
		return NewRemedied("the account may not read %s: %s (%w)", l.Table, l.MissingGrant(err), err)
	case configclickhouse.RefusesLogin(err):
		return NewRemedied("the server refuses the login: check username and password, and the hosts the account may come from (%w)", err)
	}
	return err
}

func (l Log) absenceRemedy() string {
	if l.Table.Database != "system" {
		return "create it, or correct the key table"
	}
	return "the server writes it once <session_log> stands in its config.xml (it is commented out in the shipped one) " +
		"and somebody has logged in; it is read as soon as it is there"
}

// ExplainAbsence is the error of a table that is not there, or of one that may not be read.
func (l Log) ExplainAbsence(ctx context.Context, conn configclickhouse.Conn) error {
	err := EachRow(ctx, conn, "SELECT 1 FROM "+l.Table.SQL()+" LIMIT 0", func() {}, new(uint8))
	if err == nil {
		return fmt.Errorf("table: %s shows no columns in system.columns to this account; %s", l.Table, GrantStatement(l.Table, l.Username))
	}
	return l.Explain(err)
}

var remoteGrant = regexp.MustCompile(`have the grant ((?:READ ON REMOTE|REMOTE ON \*\.\*|CREATE TEMPORARY TABLE)[A-Z *.,]*)`)

// MissingGrant is the statement that gives what is missing.
func (l Log) MissingGrant(err error) string {
	if m := remoteGrant.FindStringSubmatch(err.Error()); m != nil {
		return "GRANT " + strings.TrimRight(m[1], " .") + " TO " + configclickhouse.AccountName(l.Username)
	}
	return GrantStatement(l.Table, l.Username)
}

// GrantStatement is the statement that lets an account read a table.
func GrantStatement(table TableName, user string) string {
	return "GRANT SELECT ON " + configclickhouse.QuoteIdentifierIfNeeded(table.Database) + "." + configclickhouse.QuoteIdentifierIfNeeded(table.Table) + " TO " + configclickhouse.AccountName(user)
}
