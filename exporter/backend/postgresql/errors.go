package postgresql

import (
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
)

// What can be wrong with the store, beside the way to it (package configpostgresql). None is permanent in the collector's
// sense: each passes when somebody frees space, grants a right or mends the schema, and a permanent error would throw away
// records that are in order. Records that can never be stored are listed one by one, in Result.Rejected.
var (
	ErrFull        = errors.New("no space left")
	ErrPrivilege   = errors.New("a privilege is missing")
	ErrTooOld      = errors.New("server too old")
	ErrResources   = errors.New("the server lacks memory or connections")
	ErrLocked      = errors.New("somebody else holds a lock on the tables")
	ErrNewerSchema = errors.New("schema of a newer program")
	ErrNoSchema    = errors.New("schema is missing or not as this program made it")
	ErrCutOff      = errors.New("the server cut a statement off")
	ErrStopped     = errors.New("the postgresql backend is not running")
)

// explainError says in the user's terms what went wrong, from the server's code alone. The server's own text is left out where
// it may hold a value of a record.
func (cfg *Config) explainError(doing string, err error) error {
	if err == nil || errors.Is(err, backend.ErrMisconfigured) || errors.Is(err, ErrNoSchema) {
		return err
	}
	var server *pgconn.PgError
	if !errors.As(err, &server) || isConnectError(err) {
		return fmt.Errorf("postgresql: %s, %s: %w", doing, cfg.FirstHost(), err)
	}
	remedy, kind := diagnoseServerError(server)
	if kind == nil {
		return fmt.Errorf("postgresql: %s, %s: %w", doing, cfg.FirstHost(), &serverError{server})
	}
	return fmt.Errorf("postgresql: %s, %s: %w: %s: %w", doing, cfg.FirstHost(), kind, remedy, &serverError{server})
}

func isConnectError(err error) bool {
	// No record was sent before it: the server's text is safe.
	var failed *pgconn.ConnectError
	return errors.As(err, &failed)
}

// serverError shows an error of the server without the texts that may quote a record.
type serverError struct{ e *pgconn.PgError }

func (s *serverError) Error() string {
	text := s.e.Severity + " " + s.e.Code
	if quotesNoRecord(s.e.Code) {
		text += ": " + s.e.Message
	}
	for _, part := range []struct{ what, name string }{
		{"schema", s.e.SchemaName}, {"table", s.e.TableName}, {"column", s.e.ColumnName}, {"constraint", s.e.ConstraintName},
	} {
		if part.name != "" {
			text += ", " + part.what + " " + part.name
		}
	}
	return text
}

func (s *serverError) Unwrap() error { return s.e }

func quotesNoRecord(code string) bool {
	// Syntax and access, resources, connections, the operator, the system: these name objects and settings. Data and constraint errors quote
	// values, those raised by functions anything.
	return slices.Contains([]string{"42", "53", "55", "57", "58", "08", "25", "28", "3D", "3F", "40"}, errorClass(code)) && code != "42601"
}

func errorClass(code string) string {
	if len(code) < 2 {
		return ""
	}
	return code[:2]
}

func diagnoseServerError(e *pgconn.PgError) (remedy string, kind error) {
	switch e.Code {
	case "53100":
		return "free some on the server's volume, or set ttl; the batch is tried again", ErrFull
	case "53000", "53200", "53300", "53400":
		return "the batch is tried again", ErrResources
	case codeDenied:
		return "README.md of the postgresql backend lists the grants", ErrPrivilege
	case "42P01", "42703", "42804", "3F000", "42883", "42704":
		return "check schema, table_prefix and create_schema", ErrNoSchema
	case "55P03":
		return "end the transaction that holds it; it is tried again", ErrLocked
	case "25006":
		return configpostgresql.RemedyReadOnly, configpostgresql.ErrReadOnly
	case "08P01":
		return "a pooler in front has to pool by transaction or by session", ErrCutOff
	case "57014":
		return "raise statement_timeout for the account, as in ALTER ROLE … SET statement_timeout = 0", ErrCutOff
	case "25P03":
		return "raise idle_in_transaction_session_timeout for the account, as in ALTER ROLE … SET idle_in_transaction_session_timeout = '1min'", ErrCutOff
	case "25P04":
		return "raise transaction_timeout for the account, as in ALTER ROLE … SET transaction_timeout = 0", ErrCutOff
	}
	return "", nil
}

func isTransactionCollision(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case "40001", "40P01":
		return true
	case "23514": // a partition was attached after the record had been sent on its way into the default one
		return e.ConstraintName == ""
	}
	return false
}

func refusesContent(err error) bool {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return false
	}
	switch errorClass(e.Code) {
	case "22", "54": // values, limits
		return true
	case "23": // constraints that somebody added; a missing partition has no constraint's name
		return e.ConstraintName != "" || e.ColumnName != ""
	case "44":
		return true
	}
	return e.Code == "P0001"
}

func refusalWithoutValues(err error) string {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return "the server refuses the record"
	}
	if e.Code == "22P05" {
		return "a text has characters that the database's encoding lacks: make a database with ENCODING 'UTF8'"
	}
	reason := "the server refuses the record with SQLSTATE " + e.Code
	if e.ColumnName != "" {
		reason += ", column " + e.ColumnName
	}
	if e.ConstraintName != "" {
		reason += ", constraint " + e.ConstraintName
	}
	return reason
}
