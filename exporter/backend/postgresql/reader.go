package postgresql

import (
	"github.com/otel-sessionlog/sessionlog/internal/jsoncolumn"
	"github.com/otel-sessionlog/sessionlog/session"
)

func decodeEvent(cells [][]byte, e *session.Event) error {
	e.Reset()
	for i, c := range eventColumns {
		if c.read != nil && c.read(e, string(cells[i]), cells[i] == nil) != nil {
			return jsoncolumn.MalformedColumn(c.name)
		}
	}
	return nil
}
