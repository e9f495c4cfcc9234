package postgresql

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/session"
)

// Redshift's limits: a varchar ends at 65535 bytes, a statement at 16 MB.
const (
	maxName       = 1024
	maxText       = 65535
	statementSize = 8 << 20
)

// valuesBatch holds rows as the tuples of INSERT … VALUES: Redshift has no COPY from its client, only from S3.
type valuesBatch struct {
	backslash bool   // see configpostgresql.BackslashEscapes
	buf       []byte // tuples, a comma before each
	ends      []int  // of each tuple in buf
	col       int    // column that comes next
	from      int    // where the row under way begins
	reason    string // why it cannot be stored
	js        jsonScratch
	stored    []byte
}

func (v *valuesBatch) reset() {
	if cap(v.buf) > maxIdleBuffer {
		v.buf = nil
	}
	v.buf, v.ends = v.buf[:0], v.ends[:0]
}

func (v *valuesBatch) size() int { return len(v.buf) }

// send puts as many tuples into a statement as its limit allows; insert is the statement up to its first tuple.
func (v *valuesBatch) send(ctx context.Context, conn *pgconn.PgConn, insert string) error {
	begin, end := 0, 0
	for _, next := range append(v.ends, len(v.buf)+statementSize) {
		if next-begin > statementSize && end > begin {
			if _, err := conn.Exec(ctx, insert+string(v.buf[begin+1:end])).ReadAll(); err != nil {
				return err
			}
			begin = end
		}
		end = next
	}
	return nil
}

func (v *valuesBatch) begin(ordinal int) {
	v.from, v.col, v.reason = len(v.buf), -1, ""
	v.buf = append(v.buf, ',', '(')
	v.nanos(int64(ordinal))
}

func (v *valuesBatch) end() string {
	if v.reason != "" {
		v.buf = v.buf[:v.from]
		return v.reason
	}
	v.buf[len(v.buf)-1] = ')' // the comma that next left
	v.ends = append(v.ends, len(v.buf))
	return ""
}

// next ends a value.
func (v *valuesBatch) next() {
	v.buf = append(v.buf, ',')
	v.col++
}

func (v *valuesBatch) null() {
	v.buf = append(v.buf, "NULL"...)
	v.next()
}

func (v *valuesBatch) text(typ columnType, s string) {
	if s == "" {
		v.null()
		return
	}
	v.word(typ, s)
}

func (v *valuesBatch) word(typ columnType, s string) {
	limit := maxText
	if typ == typeName {
		limit = maxName
	}
	if len(s) <= limit { // else its bytes need not be looked at
		v.stored = appendStorable(v.stored[:0], s)
	}
	if len(s) > limit || len(v.stored) > limit {
		v.refuse(limit)
		return
	}
	v.quote(v.stored)
}

func (v *valuesBatch) refuse(limit int) {
	if v.reason == "" {
		v.reason = fmt.Sprintf("column %s takes at most %d bytes in Redshift", columns[v.col].name, limit)
	}
	v.null()
}

func (v *valuesBatch) quote(text []byte) {
	v.buf = configpostgresql.Literal(v.buf, unsafe.String(unsafe.SliceData(text), len(text)), v.backslash)
	v.next()
}

func (v *valuesBatch) integer(n int32) { v.bigint(int64(n)) }

func (v *valuesBatch) bigint(n int64) {
	if n == 0 {
		v.null()
		return
	}
	v.nanos(n)
}

func (v *valuesBatch) nanos(n int64) {
	v.buf = strconv.AppendInt(v.buf, n, 10)
	v.next()
}

func (v *valuesBatch) time(unixNano int64) {
	v.buf = append(v.buf, '\'')
	v.buf = time.UnixMicro(micros(unixNano)).UTC().AppendFormat(v.buf, "2006-01-02 15:04:05.000000+00")
	v.buf = append(v.buf, '\'')
	v.next()
}

func (v *valuesBatch) id(typ columnType, id []byte) {
	if allZero(id) {
		v.null()
		return
	}
	v.buf = append(v.buf, '\'')
	if typ == typeUUID {
		v.buf = session.ID(id).AppendText(v.buf)
	} else {
		v.buf = hex.AppendEncode(v.buf, id)
	}
	v.buf = append(v.buf, '\'')
	v.next()
}

func (v *valuesBatch) list(list []string) { v.json(v.js.list(list)) }

func (v *valuesBatch) json(doc []byte) {
	switch {
	case len(doc) == 0:
		v.null()
	case len(doc) > maxText:
		v.refuse(maxText)
	default:
		v.quote(doc)
	}
}

func (v *valuesBatch) scratch() *jsonScratch { return &v.js }
