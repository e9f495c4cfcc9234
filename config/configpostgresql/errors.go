package configpostgresql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Causes of a connection that fails.
var (
	ErrLogin       = errors.New("the server refuses the account")
	ErrDatabase    = errors.New("the server refuses connections to that database")
	ErrBusy        = errors.New("the server accepts no more connections")
	ErrStarting    = errors.New("the server is starting, stopping or recovering")
	ErrReadOnly    = errors.New("no endpoint takes writes")
	ErrUnreachable = errors.New("no endpoint can be reached")
	ErrCleartext   = errors.New("the server asks for the password in cleartext, and has not got it")
)

// RemedyReadOnly is what mends ErrReadOnly.
const RemedyReadOnly = "name the primary under endpoints; where it is the primary, default_transaction_read_only is on for the server, the database or the account: " +
	"ALTER ROLE … SET default_transaction_read_only = off"

// SQLState is the SQLSTATE of an error of the server's, "" of any other.
func SQLState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// ExplainError adds the remedy to an error of connecting, by the server's code and never by its text.
func ExplainError(err error) error {
	if err == nil {
		return nil
	}
	remedy, kind := diagnoseError(err)
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %s: %w", kind, remedy, err)
}

func diagnoseError(err error) (remedy string, kind error) {
	switch SQLState(err) {
	case "28P01", "28000":
		return "check username, password and tls, and the server's pg_hba.conf", ErrLogin
	case "3D000", "42501":
		return "check database, and its CONNECT privilege", ErrDatabase
	case "53300":
		return "raise the server's max_connections or the role's CONNECTION LIMIT", ErrBusy
	case "57P03", "57P01", "57P02":
		return "it is tried again", ErrStarting
	case "25006":
		return RemedyReadOnly, ErrReadOnly
	case "":
		var failed *pgconn.ConnectError
		switch {
		case errors.Is(err, ErrReadOnly):
			return RemedyReadOnly, ErrReadOnly
		case !errors.As(err, &failed):
		case strings.Contains(failed.Error(), "require_auth check failed"): // the driver has no type for it
			return "write `tls: {}`, or let pg_hba.conf have scram-sha-256 in place of password, ldap, pam or radius; " +
				"`tls: {insecure: true}` sends it all the same", ErrCleartext
		default:
			return "check endpoints, tls and dial_timeout", ErrUnreachable
		}
	}
	return "", nil
}
