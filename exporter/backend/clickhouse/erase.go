package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

// EraseRecords needs ALTER DELETE, and returns when every replica has written its parts anew. What is derived of the records' users goes before the records, so that a
// call that was cut short finds them again, and gets what is left.
func (s *eventStore) EraseRecords(ctx context.Context, ids []session.ID, onlyConflicts bool) error {
	atOnce := len(ids)
	if s.cfg.Cluster != "" {
		atOnce = erasedOnCluster
	}
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		for some := range slices.Chunk(ids, atOnce) {
			condition := query.AmongRecords(&queryStore{}, some)
			err := l.deleteRows(ctx, "session_conflicts", condition)
			if err == nil && !onlyConflicts {
				err = l.eraseEvents(ctx, some, condition)
			}
			if err != nil {
				return s.cfg.explainError("erasing", err)
			}
		}
		return nil
	})
}

// erasedOnCluster are as many as fit into a node of Keeper, which takes a megabyte.
const erasedOnCluster = 4096

func (l *serverConn) eraseEvents(ctx context.Context, ids []session.ID, condition string) error {
	names, err := l.usersOf(ctx, ids)
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

// usersOf asks for as many at a time as fit into a statement of the length that servers take.
func (l *serverConn) usersOf(ctx context.Context, ids []session.ID) (names []string, err error) {
	const asked = "SELECT DISTINCT CAST(assumeNotNull(user_name) AS String) AS text FROM session_events WHERE user_name IS NOT NULL AND "
	for some := range slices.Chunk(ids, backend.ErasedInTransaction/2) {
		found, err := l.queryTexts(ctx, l.cfg.prefixNames(asked)+query.AmongRecords(&queryStore{}, some))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// longestClaim is how old the claim of somebody who was killed may be before it counts for nothing.
const longestClaim = time.Minute

// ClaimSeal needs ALTER DELETE. A claim is a row of session_seal_pages under the name of a log that does not exist, with its time and whose it is.
func (s *eventStore) ClaimSeal(ctx context.Context, log string, first uint64, claimant string) error {
	return s.pool.Do(ctx, func(ctx context.Context, l *serverConn) error {
		heads, err := l.queryTexts(ctx, fmt.Sprintf(l.sql.heads, configclickhouse.QuoteText(log), first))
		if err == nil && len(heads) > 0 {
			return fmt.Errorf("log %s, page %d: %w", log, first, backend.ErrLogTaken)
		}
		claims := log + " claim"
		if err == nil {
			err = l.insertRow(ctx, l.sql.sealPages, proto.Input{
				{Name: "log", Data: bytesColumn(claims)},
				{Name: "first", Data: &proto.ColUInt64{first}},
				{Name: "min_id", Data: bytesColumn("")},
				{Name: "max_id", Data: bytesColumn("")},
				{Name: "seed", Data: bytesColumn("")},
				{Name: "manifest", Data: bytesColumn("")},
				{Name: "texts", Data: bytesColumn(fmt.Sprintf("%d %s", time.Now().Unix(), claimant))},
			})
		}
		if err == nil {
			err = l.settleClaim(ctx, claims, first, claimant)
		}
		return s.cfg.explainError("sealing", err)
	})
}

func (l *serverConn) settleClaim(ctx context.Context, claims string, first uint64, claimant string) error {
	condition := fmt.Sprintf("log = %s AND first = %d", configclickhouse.QuoteText(claims), first)
	texts, err := l.queryTexts(ctx, l.cfg.prefixNames("SELECT texts AS text FROM session_seal_pages WHERE ")+condition)
	if err != nil {
		return err
	}
	for _, text := range texts {
		at, by, _ := strings.Cut(text, " ")
		seconds, _ := strconv.ParseInt(at, 10, 64)
		if by != claimant && time.Since(time.Unix(seconds, 0)) < longestClaim {
			err = l.deleteRows(ctx, "session_seal_pages", condition+" AND endsWith(texts, "+configclickhouse.QuoteText(" "+claimant)+")")
			return errors.Join(backend.ErrLogClaimed, err)
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
