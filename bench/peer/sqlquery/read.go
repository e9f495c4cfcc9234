// Package sqlquery is the way of contrib's sqlquery receiver, rebuilt, since its module cannot be had from every proxy: database/sql, each row a
// map of texts, each of those an attribute of a log record. Contrib's gathers the whole answer first, which takes gigabytes; this is its kinder
// relative, which hands on a page at a time.
package sqlquery

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// PageRows is how many rows become one plog.Logs: as many as with us.
const PageRows = 8192

// Query is what is read.
type Query struct {
	SQL  string
	Body string // the column that becomes the record's body

	// RowRead is called with the texts of each row before it is handed on; contrib's receiver keeps the value of its tracking column there. It may be nil.
	RowRead func(ctx context.Context, row map[string]string) error
	// PageRead is called with each page.
	PageRead func(ctx context.Context, logs plog.Logs) error
}

// Read reads all rows of the answer once.
func (q Query) Read(ctx context.Context, db *sql.DB) (err error) {
	rows, err := db.QueryContext(ctx, q.SQL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	cells, pointers := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	page := newPage()
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		row := make(map[string]string, len(names))
		for i, name := range names {
			row[name] = asText(cells[i])
		}
		if q.RowRead != nil {
			if err := q.RowRead(ctx, row); err != nil {
				return err
			}
		}
		page.add(row, q.Body)
		if page.records.Len() == PageRows {
			if err := q.PageRead(ctx, page.logs); err != nil {
				return err
			}
			page = newPage()
		}
	}
	if page.records.Len() == 0 {
		return nil
	}
	return q.PageRead(ctx, page.logs)
}

type recordPage struct {
	logs    plog.Logs
	records plog.LogRecordSlice
	at      pcommon.Timestamp
}

func newPage() recordPage {
	logs := plog.NewLogs()
	return recordPage{logs, logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords(), pcommon.NewTimestampFromTime(time.Now())}
}

func (p recordPage) add(row map[string]string, body string) {
	record := p.records.AppendEmpty()
	record.SetObservedTimestamp(p.at)
	record.Body().SetStr(row[body])
	for name, text := range row {
		record.Attributes().PutStr(name, text)
	}
}

// asText is what each value becomes.
func asText(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(cell)
}
