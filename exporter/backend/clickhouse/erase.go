package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords needs ALTER DELETE, and returns when every replica has written its parts anew. What is derived of the records' users goes before the records, so that a
// call that was cut short finds them again, and is told anew of what is left.
func (s *store) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = (&queryStore{}).Identity(nil, id[:])
	}
	condition := "record_id IN (" + strings.Join(literals, ", ") + ")"
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		err := l.deleteRows(ctx, "session_conflicts", condition)
		if err == nil && !onlyConflicts {
			err = l.eraseEvents(ctx, condition)
		}
		return s.cfg.explainError("erasing", err)
	})
}

func (l *serverConn) eraseEvents(ctx context.Context, condition string) error {
	names, err := l.queryTexts(ctx, l.cfg.prefixNames("SELECT DISTINCT CAST(assumeNotNull(user_name) AS String) AS text FROM session_events WHERE user_name IS NOT NULL AND ")+condition)
	if err != nil {
		return err
	}
	for i, name := range names {
		names[i] = configclickhouse.QuoteText(name)
	}
	ofUsers := "user_name IN (" + strings.Join(names, ", ") + ")"
	isOfUsers := func(table derivedTable) bool { return len(names) > 0 && slices.Contains(table.columns, "user_name") }
	for _, table := range derivedTables {
		if isOfUsers(table) {
			if err := l.deleteRows(ctx, table.name, ofUsers); err != nil {
				return err
			}
		}
	}
	if err := l.deleteRows(ctx, "session_events", condition); err != nil {
		return err
	}
	for i, table := range derivedTables {
		if isOfUsers(table) {
			if err := l.execErasing(ctx, fmt.Sprintf(l.sql.derived[i], ofUsers)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *serverConn) deleteRows(ctx context.Context, table, condition string) error {
	name, clause := l.cfg.storingTable(table)
	return l.execErasing(ctx, "ALTER TABLE "+name+clause+" DELETE WHERE "+condition+" SETTINGS mutations_sync = 2")
}

func (l *serverConn) execErasing(ctx context.Context, sql string) error {
	return l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		return conn.Exec(ctx, sql, configclickhouse.Setting{Name: "max_query_size", Value: "67108864"}, configclickhouse.Setting{Name: "distributed_ddl_task_timeout", Value: "600"})
	})
}
