package postgresql

import (
	"context"
	"strings"

	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords needs DELETE on both tables. The bytes stay in the pages of the tables until VACUUM FULL.
func (s *store) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = "'" + id.String() + "'"
	}
	where := " WHERE record_id IN (" + strings.Join(literals, ", ") + "); "
	sql := "BEGIN; DELETE FROM session_conflicts" + where
	if !onlyConflicts {
		sql += "DELETE FROM session_events" + where
	}
	err := s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		if err := l.ensureConnected(ctx); err != nil {
			return err
		}
		err := execStatements(ctx, l.conn, s.cfg.prefixNames(sql+"COMMIT"))
		if err != nil {
			l.rollbackOrClose()
		}
		return err
	})
	return s.cfg.explainError("erasing", err)
}
