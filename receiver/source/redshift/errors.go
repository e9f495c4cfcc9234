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

// errNoRedshift is the error of a server that lacks what every Redshift has.
var errNoRedshift = errors.New("endpoints: this server is no Redshift, for it has no function getdate(): " +
	"a PostgreSQL is read with the block postgresql in place of redshift, or by its log files with the block file")

// codesMissing say that a table, its schema or its database is not there.
var codesMissing = []string{"42P01", "3F000", "3D000"}

// errDenied is the error of an account that may not read the log.
var errDenied = errors.New("the account may not read")

func denied(table, user string) error {
	return fmt.Errorf("%w %s: a superuser can GRANT SELECT ON %s TO %s", errDenied, table, table, configpostgresql.Identifier(user))
}

// explain adds to the server's word about a query what can be done about it.
func explain(err error, table, user string) error {
	switch code := configpostgresql.Code(err); {
	case code == codeNoFunction && strings.Contains(err.Error(), "getdate"):
		return fmt.Errorf("%w (%w)", errNoRedshift, err)
	case code == codeDenied:
		return denied(table, user)
	case slices.Contains(codesMissing, code):
		return &poll.WaitError{Err: fmt.Errorf("table: %s is gone: it is read as soon as it is there again", table)}
	}
	return err
}
