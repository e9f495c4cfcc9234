package configpostgresql

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// What can be wrong with the way to a server.
var (
	ErrLogin       = errors.New("the server turns the account away")
	ErrDatabase    = errors.New("the server lets nobody into that database")
	ErrBusy        = errors.New("the server takes no more connections")
	ErrStarting    = errors.New("the server is starting, stopping or recovering")
	ErrReadOnly    = errors.New("no endpoint takes writes")
	ErrUnreachable = errors.New("no endpoint can be reached")
)

// Code is the server's own code of an error (SQLSTATE), or "" where the server did not speak.
func Code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Explain says what to do about an error of connecting. It is told from the server's code alone, never from its text.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	kind, remedy := diagnose(Code(err), err)
	if kind == nil {
		return err
	}
	return fmt.Errorf("%w: %s: %w", kind, remedy, err)
}

func diagnose(code string, err error) (kind error, remedy string) {
	switch code {
	case "28P01", "28000":
		return ErrLogin, "mind username, password and tls, and the server's pg_hba.conf"
	case "3D000", "42501":
		return ErrDatabase, "mind database, and its CONNECT privilege"
	case "53300":
		return ErrBusy, "raise the server's max_connections or the role's CONNECTION LIMIT"
	case "57P03", "57P01", "57P02":
		return ErrStarting, "it is tried again"
	case "25006":
		return ErrReadOnly, "name the primary under endpoints"
	case "":
		var failed *pgconn.ConnectError
		if errors.As(err, &failed) {
			return ErrUnreachable, "mind endpoints, tls and dial_timeout"
		}
	}
	return nil, ""
}
