package clickhouse

import (
	"context"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords needs ALTER DELETE, and returns when every replica has written its parts anew. session_clients tells of no record.
func (s *store) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = (&queryStore{}).Identity(nil, id[:])
	}
	tables := []string{"session_conflicts", "session_events"}
	if onlyConflicts {
		tables = tables[:1]
	}
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		for _, table := range tables {
			name, clause := s.cfg.storingTable(table)
			sql := "ALTER TABLE " + name + clause + " DELETE WHERE record_id IN (" + strings.Join(literals, ", ") + ") SETTINGS mutations_sync = 2"
			err := l.runStatement(ctx, func(conn configclickhouse.Conn) error {
				return conn.Exec(ctx, sql, configclickhouse.Setting{Name: "max_query_size", Value: "1048576"}, configclickhouse.Setting{Name: "distributed_ddl_task_timeout", Value: "600"})
			})
			if err != nil {
				return s.cfg.explainError("erasing", err)
			}
		}
		return nil
	})
}
