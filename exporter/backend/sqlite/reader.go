package sqlite

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

func decodeEvent(stmt *sqlite.Stmt, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		if c.read(e, stmt.ColumnText(i), stmt.ColumnIsNull(i)) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}

func eventExpressions() []string {
	all := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		all[i] = fmt.Sprintf(c.selects, c.name)
	}
	return all
}
