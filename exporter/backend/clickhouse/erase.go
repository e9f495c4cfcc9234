package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords needs ALTER DELETE, and returns when every replica has written its parts anew. What is counted of the users of these records goes first, and
// is counted anew of what they have left: session_clients tells of no record.
func (s *store) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	literals := make([]string, len(ids))
	for i, id := range ids {
		literals[i] = (&queryStore{}).Identity(nil, id[:])
	}
	chosen := "record_id IN (" + strings.Join(literals, ", ") + ")"
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		err := l.deleteRows(ctx, "session_conflicts", chosen)
		if err == nil && !onlyConflicts {
			err = l.eraseEvents(ctx, chosen)
		}
		return s.cfg.explainError("erasing", err)
	})
}

func (l *serverConn) eraseEvents(ctx context.Context, chosen string) error {
	users, err := l.queryTexts(ctx, l.cfg.prefixNames("SELECT DISTINCT CAST(assumeNotNull(user_name) AS String) AS text FROM session_events WHERE user_name IS NOT NULL AND "+chosen))
	if err != nil {
		return err
	}
	for i, name := range users {
		users[i] = configclickhouse.QuoteText(name)
	}
	ofUsers := "user_name IN (" + strings.Join(users, ", ") + ")"
	namesUsers := func(table derivedTable) bool { return len(users) > 0 && slices.Contains(table.columns, "user_name") }
	for _, table := range derivedTables {
		if err == nil && namesUsers(table) {
			err = l.deleteRows(ctx, table.name, ofUsers)
		}
	}
	if err == nil {
		err = l.deleteRows(ctx, "session_events", chosen)
	}
	for i, table := range derivedTables {
		if err == nil && namesUsers(table) {
			err = l.execLong(ctx, fmt.Sprintf(l.sql.derived[i], ofUsers))
		}
	}
	return err
}

func (l *serverConn) deleteRows(ctx context.Context, table, where string) error {
	name, clause := l.cfg.storingTable(table)
	return l.execLong(ctx, "ALTER TABLE "+name+clause+" DELETE WHERE "+where+" SETTINGS mutations_sync = 2")
}

// execLong runs a statement with many literals, which may take long.
func (l *serverConn) execLong(ctx context.Context, sql string) error {
	return l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		return conn.Exec(ctx, sql, configclickhouse.Setting{Name: "max_query_size", Value: "1000000000"}, configclickhouse.Setting{Name: "distributed_ddl_task_timeout", Value: "600"})
	})
}
