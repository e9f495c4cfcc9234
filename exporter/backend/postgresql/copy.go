package postgresql

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/session"
)

// copyBatch holds rows in PostgreSQL's binary COPY format: a signature, then for each row the number of its fields and for
// each field its length and its bytes, all big-endian (documentation of COPY, "Binary Format").
type copyBatch struct {
	buf     []byte
	from    int // where the row under way begins
	columns jsonColumns
	hash    [16]byte // of the last row's content

	// A column that no row has had a value in is not copied: most are of other systems, and a NULL costs the server as much as a short text.
	copied  []bool // by index of eventColumns; those that the rows in buf have
	wanted  []bool // those, and the ones that the row under way has a value in
	widened int    // how often copied has changed
}

const (
	// maxRecord is the most that one record may take in its stored form, in bytes. PostgreSQL itself ends at 1 GB a value
	// and at 256 MB a jsonb.
	maxRecord = 64 << 20
	tooLarge  = "the record takes more than 64 MiB"

	copyHeader  = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyTrailer = "\xff\xff"

	sinceEpoch2000 = 946_684_800_000_000 // PostgreSQL counts microseconds since 2000

	oidText      = 25
	jsonbVersion = 1
)

// chunkSize is how many bytes of rows are sent at once: some 30,000 logins. Tests have smaller ones.
var chunkSize = 16 << 20

func (c *copyBatch) truncateBuffer() {
	if cap(c.buf) > 2*chunkSize { // what a connection keeps between batches
		c.buf = nil
	}
	c.buf = c.buf[:0]
}

func (c *copyBatch) bufferedBytes() int { return len(c.buf) }

func (c *copyBatch) sendRows(ctx context.Context, conn *pgconn.PgConn, sql string) error {
	// The rows stay as they are: they may be sent again.
	_, err := conn.CopyFrom(ctx, io.MultiReader(strings.NewReader(copyHeader), bytes.NewReader(c.buf), strings.NewReader(copyTrailer)), sql)
	return err
}

// appendRow appends the event as one row, or says why it can never be stored. Where the event has a value in a column that is not copied
// it appends nothing: the row is the first of another COPY, which widenColumns begins.
func (c *copyBatch) appendRow(i int, e *session.Event, contentHash backend.ContentHash) (reason string, isWider bool) {
	c.from = len(c.buf)
	if c.copied == nil {
		c.copied, c.wanted = make([]bool, len(eventColumns)), make([]bool, len(eventColumns))
	}
	c.buf = binary.BigEndian.AppendUint16(c.buf, 0)
	fields := 1 // content_hash
	for i := range eventColumns {
		at := len(c.buf)
		eventColumns[i].write(c, e)
		switch {
		case c.copied[i]:
			fields++
		case bytes.Equal(c.buf[at:], nullField):
			c.buf = c.buf[:at]
		default:
			c.wanted[i], isWider = true, true
		}
	}
	if len(c.buf)-c.from > maxRecord {
		c.buf = c.buf[:c.from]
		copy(c.wanted, c.copied)
		return tooLarge, false
	}
	if isWider {
		c.buf = c.buf[:c.from]
		return "", true
	}
	binary.BigEndian.PutUint16(c.buf[c.from:], uint16(fields))
	c.hash = contentHash(i, e)
	c.appendID(c.hash[:])
	return "", false
}

var nullField = []byte{0xff, 0xff, 0xff, 0xff}

// widenColumns has the next rows copied with the columns that the last one wanted. What is buffered must have been sent.
func (c *copyBatch) widenColumns() {
	copy(c.copied, c.wanted)
	c.widened++
}

func (c *copyBatch) copyInto(table string) string {
	var names strings.Builder
	for i, column := range eventColumns {
		if c.copied[i] {
			names.WriteString(column.name + ", ")
		}
	}
	return "COPY " + table + " (" + names.String() + "content_hash) FROM STDIN (FORMAT binary)"
}

func (c *copyBatch) appendLength(n int) { c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n)) }

func (c *copyBatch) appendNull() { c.appendLength(-1) }

func (c *copyBatch) appendTextOrNull(s string) {
	if s == "" {
		c.appendNull()
		return
	}
	c.appendText(s)
}

// appendText leaves room for the length, which is known when the text is there.
func (c *copyBatch) appendText(s string) {
	if len(c.buf)-c.from+len(s) > maxRecord { // add refuses it: its bytes need not be copied
		s = s[:min(len(s), maxRecord)]
	}
	at := len(c.buf)
	c.appendLength(0)
	c.buf = appendStorable(c.buf, s)
	binary.BigEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4))
}

func (c *copyBatch) appendInteger(n int32) {
	if n == 0 {
		c.appendNull()
		return
	}
	c.appendInt32(n)
}

func (c *copyBatch) appendBigint(n int64) {
	if n == 0 {
		c.appendNull()
		return
	}
	c.appendInt64(n)
}

func (c *copyBatch) appendInt32(n int32) {
	c.appendLength(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(n))
}

func (c *copyBatch) appendInt64(n int64) {
	c.appendLength(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(n))
}

func (c *copyBatch) appendTimestamp(unixNano int64) {
	c.appendInt64(time.Unix(0, unixNano).UnixMicro() - sinceEpoch2000)
}

func (c *copyBatch) appendID(id []byte) {
	if isAllZero(id) {
		c.appendNull()
		return
	}
	c.appendLength(len(id))
	c.buf = append(c.buf, id...)
}

func isAllZero(id []byte) bool {
	for _, x := range id {
		if x != 0 {
			return false
		}
	}
	return true
}

func (c *copyBatch) appendTextArray(list []string) {
	if len(list) == 0 {
		c.appendNull()
		return
	}
	at := len(c.buf)
	for _, n := range [...]int{0, 1, 0, oidText, len(list), 1} { // dimensions, whether it holds NULL, type of elements, their number, first index
		c.appendLength(n)
	}
	for _, s := range list {
		c.appendText(s)
	}
	binary.BigEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4))
}

func (c *copyBatch) appendJSON(doc []byte) {
	if len(doc) == 0 {
		c.appendNull()
		return
	}
	c.appendLength(len(doc) + 1)
	c.buf = append(append(c.buf, jsonbVersion), doc...)
}
