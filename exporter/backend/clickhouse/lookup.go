package clickhouse

import (
	"context"
	"encoding/hex"
	"slices"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/session"
)

const (
	askAtOnce  = 200_000 // ids in one question: 3.2 MB
	readAtOnce = 4096    // whole events in memory
)

// known are those of the sorted ids that the table has, in their order. The server reads the granules of the primary key that the ids
// lie in: of new ones none.
func (l *link) known(ctx context.Context, ids []id) (known []id, err error) {
	for chunk := range slices.Chunk(ids, askAtOnce) {
		var found proto.ColFixedStr16
		at := len(known)
		err := l.ask(ctx, l.sql.known, chunk, proto.Results{{Name: "record_id", Data: &found}}, func() { known = known[:at] }, func(rows int) error {
			for i := range rows {
				one := found[i]
				known = append(known, idOf(one[:]))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(known, id.compare)
	return slices.Compact(known), nil
}

// stored reads the events with these ids.
func (l *link) stored(ctx context.Context, ids []id) (map[session.ID]*session.Event, error) {
	all := make(map[session.ID]*session.Event, len(ids))
	decoder := newRows()
	err := l.ask(ctx, l.sql.stored, ids, decoder.results, func() { clear(all) }, func(rows int) error {
		for i := range rows {
			e := &session.Event{}
			decoder.fill(i, e)
			all[e.RecordID] = e
		}
		return nil
	})
	return all, err
}

// ask runs a statement that ends with a condition on record_id. It may begin anew, on another connection.
func (l *link) ask(ctx context.Context, sql string, ids []id, results proto.Results, begin func(), onBlock func(rows int) error) error {
	asked := &fixed{typ: "FixedString(16)", width: 16}
	for _, one := range ids {
		asked.buf = one.append(asked.buf)
	}
	with := configclickhouse.Table{Name: askedTable, Columns: proto.Input{{Name: "id", Data: asked}}}
	sql += " WHERE record_id IN (SELECT id FROM " + askedTable + ")" +
		" AND record_id >= unhex('" + hex.EncodeToString(ids[0].append(nil)) + "')" +
		" AND record_id <= unhex('" + hex.EncodeToString(ids[len(ids)-1].append(nil)) + "')" +
		" SETTINGS use_query_condition_cache = 0" // other ids, with the same ends, are another condition
	return l.do(ctx, func(conn configclickhouse.Conn) error {
		begin()
		return conn.QueryWith(ctx, sql, with, results, onBlock)
	})
}

// askedTable is the name of the ids that go along with a question.
const askedTable = "asked_ids"
