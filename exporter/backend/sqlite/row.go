package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

var readColumns jsoncolumn.Reader

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
	to, err := readColumns.Strings(r.text(c), to)
	r.check(c, err)
	return to
}

func (r *row) settings(c int, to []session.Setting) []session.Setting {
	to, err := readColumns.Settings(r.text(c), to)
	r.check(c, err)
	return to
}

func (r *row) attributes(c int, to []session.Attr) []session.Attr {
	to, err := readColumns.Attributes(r.text(c), to)
	r.check(c, err)
	return to
}

// check remembers a cell that somebody else has written.
func (r *row) check(c int, err error) {
	if err != nil && r.err == nil {
		r.err = malformed(r.stmt.ColumnName(c))
	}
}
