package rows

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// EachRow runs a statement that reads. For each row of its answer the columns, in their order, are put where values point, then onRow is called. Bytes
// are valid until it returns.
//
// What asks through it names no column of ch-go: whichever package does compiles two thousand of its generic functions.
func EachRow(ctx context.Context, conn configclickhouse.Conn, sql string, onRow func(), values ...any) error {
	columns := make(proto.Results, len(values))
	fills := make([]func(row int), len(values))
	for i, to := range values {
		columns[i].Data, fills[i] = columnInto(to)
	}
	return conn.Query(ctx, "", sql, columns, func(rows int) error {
		for row := range rows {
			for _, fill := range fills {
				fill(row)
			}
			onRow()
		}
		return nil
	})
}

func columnInto(to any) (proto.ColResult, func(row int)) {
	switch to := to.(type) {
	case *string:
		return fillFrom(new(proto.ColStr), to)
	case *[]byte:
		c := new(proto.ColStr)
		return c, func(row int) { *to = c.RowBytes(row) }
	case *uint8:
		return fillFrom(new(proto.ColUInt8), to)
	case *uint16:
		return fillFrom(new(proto.ColUInt16), to)
	case *uint64:
		return fillFrom(new(proto.ColUInt64), to)
	case *int16:
		return fillFrom(new(proto.ColInt16), to)
	case *int64:
		return fillFrom(new(proto.ColInt64), to)
	case *uuid.UUID:
		return fillFrom(new(proto.ColUUID), to)
	case *netip.Addr:
		c := new(proto.ColIPv6)
		return c, func(row int) { *to = netip.AddrFrom16(c.Row(row)) }
	}
	panic(fmt.Sprintf("no column for a %T", to))
}

func fillFrom[T any, C interface {
	proto.ColResult
	Row(row int) T
}](column C, to *T) (proto.ColResult, func(row int)) {
	return column, func(row int) { *to = column.Row(row) }
}
