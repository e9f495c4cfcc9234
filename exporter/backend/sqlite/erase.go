package sqlite

import (
	"context"
	"strings"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords shares the writer's next commit. What it deletes is overwritten; a trigger of the view has the summary counted anew.
func (s *store) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = (&queryStore{}).Identity(nil, id[:])
	}
	where := " WHERE record_id IN (" + strings.Join(literals, ", ") + ")"
	erase := func(w *writer) error {
		statements := []string{"PRAGMA secure_delete = ON", "DELETE FROM session_conflicts" + where}
		if !onlyConflicts {
			statements = append(statements, "DELETE FROM session_events"+where)
		}
		for _, sql := range statements {
			if err := sqlitex.ExecuteTransient(w.conn, w.cfg.prefixNames(sql), nil); err != nil {
				return err
			}
		}
		return nil
	}
	return s.serve(&writeRequest{ctx: ctx, other: erase, done: make(chan struct{})})
}
