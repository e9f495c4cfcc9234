package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/session"
)

// row reads the columns of session_events back from a result.
type row struct {
	stmt *sqlite.Stmt
	err  error
}

// event fills e, which is reset, from the current row.
func (r *row) event(e *session.Event) error {
	e.Reset()
	for i := range columns {
		columns[i].scan(r, i, e)
	}
	return r.err
}

func (r *row) null(c int) bool     { return r.stmt.ColumnIsNull(c) }
func (r *row) integer(c int) int64 { return r.stmt.ColumnInt64(c) }
func (r *row) text(c int) string   { return r.stmt.ColumnText(c) }

// id leaves zeros where there is none.
func (r *row) id(c int, id []byte) { r.stmt.ColumnBytes(c, id) }

func (r *row) list(c int, to []string) []string {
	to, ok := parseList(r.text(c), to)
	return to[:r.check(c, ok, len(to))]
}

func (r *row) settings(c int, to []session.Setting) []session.Setting {
	to, ok := parseSettings(r.text(c), to)
	return to[:r.check(c, ok, len(to))]
}

func (r *row) attributes(c int, to []session.Attr) []session.Attr {
	to, ok := parseAttributes(r.text(c), to)
	return to[:r.check(c, ok, len(to))]
}

// check remembers a cell that somebody else has written.
func (r *row) check(c int, ok bool, n int) int {
	if !ok && r.err == nil {
		r.err = malformed(r.stmt.ColumnName(c))
	}
	return n
}
