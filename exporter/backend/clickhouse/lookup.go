package clickhouse

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

// idsPerQuery are asked for in one question: 3.2 MB.
const idsPerQuery = 200_000

type recordVersion struct {
	id   session.ID
	hash [16]byte
}

// queryVersions asks for those of the sorted ids, in their order. The server reads the granules of the primary key that the ids lie in: of new
// ones none.
func (l *serverConn) queryVersions(ctx context.Context, sql string, ids []session.ID) (all []recordVersion, err error) {
	var records, hashes proto.ColFixedStr16
	for chunk := range slices.Chunk(ids, idsPerQuery) {
		before := len(all)
		begin := func() { all = all[:before] }
		err := l.runWithIDs(ctx, sql, chunk, proto.Results{{Name: "record_id", Data: &records}, {Name: "hash", Data: &hashes}}, begin, func(rows int) error {
			for i := range rows {
				all = append(all, recordVersion{session.ID(records[i]), hashes[i]})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b recordVersion) int { return compareIDs(a.id, b.id) })
	return all, nil
}

func (l *serverConn) repeatDerived(ctx context.Context, ids []session.ID) error {
	// The server may have died after it had stored a record and before it had counted it. Counting once more changes nothing.
	for chunk := range slices.Chunk(ids, idsPerQuery) {
		for _, sql := range l.sql.derived {
			if err := l.runWithIDs(ctx, sql, chunk, nil, func() {}, func(int) error { return nil }); err != nil {
				return err
			}
		}
	}
	return nil
}

// runWithIDs runs a statement on the records of the sorted ids. It may start again, on another connection.
func (l *serverConn) runWithIDs(ctx context.Context, sql string, ids []session.ID, results proto.Results, begin func(), onBlock func(rows int) error) error {
	column := &fixedColumn{typ: "FixedString(16)", width: 16}
	for _, one := range ids {
		column.buf = append(column.buf, one[:]...)
	}
	table := configclickhouse.ExternalTable{Name: "asked_ids", Columns: proto.Input{{Name: "id", Data: column}}}
	sql = fmt.Sprintf(sql, "record_id IN (SELECT id FROM asked_ids)"+
		" AND record_id >= unhex('"+hex.EncodeToString(ids[0][:])+"')"+
		" AND record_id <= unhex('"+hex.EncodeToString(ids[len(ids)-1][:])+"')") +
		" SETTINGS use_query_condition_cache = 0" + // other ids, with the same ends, are another condition
		", optimize_move_to_prewhere = 0" // weighing which columns to read first takes longer than to read them
	return l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		begin()
		return conn.QueryWith(ctx, sql, table, results, onBlock)
	})
}
