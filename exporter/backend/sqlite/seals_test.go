package sqlite_test

import (
	"context"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	driver "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sealtest"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
)

func TestSeals(t *testing.T) {
	sealtest.Run(t, func(t *testing.T) sealtest.Database {
		cfg := sqlite.DefaultConfig()
		cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
		return sealedFile{cfg}
	})
}

// sealedFile is a database file that somebody else can write, too.
type sealedFile struct{ cfg sqlite.Config }

func (f sealedFile) Open(t testing.TB, ttl time.Duration) backend.Backend {
	cfg := f.cfg
	cfg.TTL, cfg.TTLConfirm = ttl, true
	b, err := sqlite.New(cfg, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	return b
}

func (f sealedFile) Ask(ctx context.Context) (query.Store, error) {
	return sqlite.OpenQueryStore(ctx, f.cfg)
}

// exec writes into the partition that has all rows.
func (f sealedFile) exec(t testing.TB, sql string) (rows []string) {
	conn, err := driver.OpenConn(f.cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	sql = strings.ReplaceAll(sql, "session_events", "session_events_1")
	require.NoError(t, sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *driver.Stmt) error { rows = append(rows, stmt.ColumnText(0)); return nil },
	}))
	return rows
}

func (f sealedFile) Update(t testing.TB, table, column, value, where string) {
	f.exec(t, "UPDATE "+table+" SET "+column+" = "+value+" WHERE "+where)
}

func (f sealedFile) Delete(t testing.TB, table, where string) {
	f.exec(t, "DELETE FROM "+table+" WHERE "+where)
}

func (f sealedFile) CopyEvents(t testing.TB, where string, id session.ID) bool {
	columns := strings.Join(f.exec(t, "SELECT name FROM pragma_table_info('session_events') WHERE name <> 'arrival'"), ", ")
	values := strings.Replace(columns, "record_id", f.Bytes(id[:]), 1)
	if id.IsZero() {
		f.exec(t, "DROP INDEX session_events_by_record_id")
		values = columns
	}
	f.exec(t, "INSERT INTO session_events (arrival, "+columns+") SELECT (SELECT max(arrival) + 1 FROM session_events), "+values+" FROM session_events WHERE "+where)
	return true
}

func (f sealedFile) Bytes(b []byte) string { return "x'" + hex.EncodeToString(b) + "'" }

func (f sealedFile) Column(t testing.TB, sql string) []string { return f.exec(t, sql) }

func (f sealedFile) Disguise(t testing.TB, where string) bool {
	f.Update(t, "session_events", "user_name", "CAST(user_name AS BLOB)", where)
	return true
}
