package postgresql

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// eraseEvents deletes what is counted of the records' users too, and has it counted anew from what is left of them.
const eraseEvents = `WITH erased AS (DELETE FROM session_events%s RETURNING user_name), users AS (SELECT DISTINCT user_name FROM erased WHERE user_name IS NOT NULL),
hours AS (DELETE FROM session_hours WHERE user_name IN (SELECT user_name FROM users)), pairs AS (DELETE FROM session_pairs WHERE user_name IN (SELECT user_name FROM users))
INSERT INTO session_uncounted SELECT e.record_id, e.record_id, 1 FROM users CROSS JOIN LATERAL (
    SELECT * FROM session_events AS e WHERE left(e.user_name, 200) = left(users.user_name, 200) AND e.user_name = users.user_name OFFSET 0) AS e
WHERE ` + successfulLogins

// EraseRecords needs DELETE on both tables. The bytes stay in the pages of the tables until VACUUM FULL.
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
	sql := "BEGIN; DELETE FROM session_conflicts" + where + "; "
	if !onlyConflicts {
		sql += lockSummary + "; " + fmt.Sprintf(eraseEvents, where) + "; "
	}
	err := s.withPooledConn(ctx, func(ctx context.Context, conn *pgconn.PgConn) error {
		return execStatements(ctx, conn, s.cfg.prefixNames(sql+"COMMIT"))
	})
	return s.cfg.explainError("erasing", err)
}
