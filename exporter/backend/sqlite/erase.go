package sqlite

import (
	"context"
	"slices"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords shares the writer's next commit. What it deletes is overwritten; a trigger of the view has the summary counted anew.
func (s *eventStore) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	for some := range slices.Chunk(ids, backend.ErasedInTransaction) {
		if err := s.eraseTogether(ctx, some, onlyConflicts); err != nil {
			return err
		}
	}
	return nil
}

func (s *eventStore) eraseTogether(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	where := " WHERE " + query.AmongRecords(&queryStore{}, ids)
	return s.serveStatement(ctx, func(w *groupWriter) error {
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
	})
}
