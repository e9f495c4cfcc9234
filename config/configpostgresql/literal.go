package configpostgresql

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// BackslashEscapes tells whether a backslash in '…' means something to this server: it does to Redshift, whose parser is
// that of PostgreSQL 8.0 and which does not announce standard_conforming_strings.
func BackslashEscapes(conn *pgconn.PgConn) bool {
	return conn.ParameterStatus("standard_conforming_strings") != "on"
}

// Literal appends s as a string literal. pgx's own quoting refuses servers whose client_encoding is spelled UNICODE. s
// must be UTF-8 without NUL, which neither server can store.
func Literal(b []byte, s string, backslashEscapes bool) []byte {
	b = append(b, '\'')
	for {
		at := strings.IndexByte(s, '\'')
		if backslashEscapes {
			at = strings.IndexAny(s, `'\`)
		}
		if at < 0 {
			return append(append(b, s...), '\'')
		}
		b = append(append(b, s[:at+1]...), s[at])
		s = s[at+1:]
	}
}
