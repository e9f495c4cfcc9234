package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

var readColumns jsoncolumn.Reader

// storedRow reads the columns of session_events back from a result.
type storedRow struct {
	stmt *sqlite.Stmt
	err  error
}

// decodeEvent fills e, which is reset, from the current row.
func (r *storedRow) decodeEvent(e *session.Event) error {
	e.Reset()
	for i := range eventColumns {
		eventColumns[i].scan(r, i, e)
	}
	return r.err
}

func (r *storedRow) null(c int) bool     { return r.stmt.ColumnIsNull(c) }
func (r *storedRow) integer(c int) int64 { return r.stmt.ColumnInt64(c) }
func (r *storedRow) text(c int) string   { return r.stmt.ColumnText(c) }

// id leaves zeros where there is none.
func (r *storedRow) id(c int, id []byte) { r.stmt.ColumnBytes(c, id) }

func (r *storedRow) list(c int, to []string) []string {
	to, err := readColumns.Strings(r.text(c), to)
	r.noteMalformed(c, err)
	return to
}

func (r *storedRow) settings(c int, to []session.Setting) []session.Setting {
	to, err := readColumns.Settings(r.text(c), to)
	r.noteMalformed(c, err)
	return to
}

func (r *storedRow) attributes(c int, to []session.Attr) []session.Attr {
	to, err := readColumns.Attributes(r.text(c), to)
	r.noteMalformed(c, err)
	return to
}

// noteMalformed remembers a cell that somebody else has written.
func (r *storedRow) noteMalformed(c int, err error) {
	if err != nil && r.err == nil {
		r.err = malformedColumn(r.stmt.ColumnName(c))
	}
}
