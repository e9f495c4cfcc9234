package redshift

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
)

const (
	codeDenied     = "42501" // insufficient_privilege
	codeNoFunction = "42883" // undefined_function
)

// errNoRedshift is returned for a server without getdate(), which every Redshift has.
var errNoRedshift = errors.New("endpoints: this server is no Redshift, for it has no function getdate(): " +
	"a PostgreSQL is read with the block postgresql in place of redshift, or by its log files with the block file")

// codesMissing are for a table, its schema or its database that does not exist.
var codesMissing = []string{"42P01", "3F000", "3D000"}

// errDenied is wrapped where the account may not read the table.
var errDenied = errors.New("the account may not read")

func deniedError(table, user string) error {
	return fmt.Errorf("%w %s: a superuser can GRANT SELECT ON %s TO %s", errDenied, table, table, configpostgresql.QuoteIdentifierIfNeeded(user))
}

func explainQueryError(err error, table, user string) error {
	switch code := configpostgresql.SQLState(err); {
	case code == codeNoFunction && strings.Contains(err.Error(), "getdate"):
		return fmt.Errorf("%w (%w)", errNoRedshift, err)
	case code == codeDenied:
		return deniedError(table, user)
	case slices.Contains(codesMissing, code):
		return &poll.WaitError{Err: fmt.Errorf("table: %s is gone: it is read as soon as it is there again", table)}
	}
	return err
}
