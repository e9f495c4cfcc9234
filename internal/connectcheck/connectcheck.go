// Package connectcheck is the interface of `validate --connect` to sources and backends: does the login work, are the table, the
// grants, the time zone and the logging settings there that it needs.
package connectcheck

import "context"

// Finding is one thing that was tried.
type Finding struct {
	OK      bool
	Warning bool   // OK, but somebody should look: it does not change the exit status
	Subject string // what was tried: "login", "table system.session_log", "grant SELECT", "log_connections"
	Detail  string // what was found; it holds no password and no value of a row
	Key     string // the YAML key below the component that is to be changed, "" where none is
	Remedy  string // the statement or setting that mends it, "" where OK and no warning
}

// Checker is implemented by the Config of a source or backend. The check reads and changes nothing, ends with ctx, and goes on
// after a finding as long as the next one can be tried.
type Checker interface {
	CheckConnection(ctx context.Context) []Finding
}
