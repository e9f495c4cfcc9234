//go:build unix

package bench

import (
	"database/sql"
	"fmt"
	"strconv"
	"testing"
	"time"

	_ "github.com/lib/pq" // what contrib's receiver bears for PostgreSQL and Redshift
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// pageOfPeer is how many rows become one plog.Logs: as many as with us. (Contrib's receiver gathers the whole answer first, which
// here would be some gigabytes; what is measured is its kinder relative.)
const pageOfPeer = 8192

// readAsSqlquery is the way of contrib's sqlquery receiver, rebuilt, since its module is not to be had everywhere: database/sql and
// lib/pq, each row a map of texts, each of those an attribute of a log record. saving adds what it does for its tracking column:
// keep the value of each row in the storage.
func readAsSqlquery(b *testing.B, dsn string, saving bool) (got int) {
	b.Helper()
	db, err := sql.Open("postgres", dsn)
	require.NoError(b, err)
	defer func() { require.NoError(b, db.Close()) }()
	rows, err := db.QueryContext(b.Context(), "SELECT * FROM sys_connection_log ORDER BY record_time")
	require.NoError(b, err)
	defer func() { require.NoError(b, rows.Close()) }()
	names, err := rows.Columns()
	require.NoError(b, err)
	sink, storage := consumertest.NewNop(), newStorage(b, saving)
	cells, pointers := make([]any, len(names)), make([]any, len(names))
	for i := range cells {
		pointers[i] = &cells[i]
	}
	page := newPage()
	for ; rows.Next(); got++ {
		require.NoError(b, rows.Scan(pointers...))
		row := make(map[string]string, len(names))
		for i, name := range names {
			row[name] = asText(cells[i])
		}
		record := page.records.AppendEmpty()
		record.SetObservedTimestamp(page.at)
		record.Body().SetStr(row["event"])
		for name, text := range row {
			record.Attributes().PutStr(name, text)
		}
		storage.save(b, row["record_time"])
		if page.records.Len() == pageOfPeer {
			require.NoError(b, sink.ConsumeLogs(b.Context(), page.logs))
			page = newPage()
		}
	}
	require.NoError(b, rows.Err())
	require.NoError(b, sink.ConsumeLogs(b.Context(), page.logs))
	return got
}

type page struct {
	logs    plog.Logs
	records plog.LogRecordSlice
	at      pcommon.Timestamp
}

func newPage() page {
	logs := plog.NewLogs()
	return page{logs, logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords(), pcommon.NewTimestampFromTime(time.Now())}
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
