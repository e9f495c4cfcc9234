package sqlite_test

import (
	"context"
	"encoding/hex"
	"os"
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
	"github.com/otel-sessionlog/sessionlog/internal/seal"
	"github.com/otel-sessionlog/sessionlog/internal/seal/verify"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/sessiontest"
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

// TestSealsThatAreRefusedHoldUpNoLogin, which shares their commit.
func TestSealsThatAreRefusedHoldUpNoLogin(t *testing.T) {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
	f := sealedFile{cfg}
	b := f.Open(t, 0).(backend.SealedBackend)
	require.NoError(t, b.Start(t.Context()))
	conn, err := driver.OpenConn(cfg.Path, driver.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(conn, "CREATE TRIGGER refused BEFORE INSERT ON session_seal_pages BEGIN SELECT RAISE(ABORT, 'refused'); END", nil))
	require.NoError(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	results := make(chan error, 2)
	write := func() {
		_, err := b.Write(t.Context(), func(yield func(int, *session.Event) bool) {
			var e session.Event
			sessiontest.Typical(&e, 1)
			yield(0, &e)
		})
		results <- err
	}
	sealed := make(chan error, 1)
	go func() {
		_ = b.PruneSeals(t.Context(), "x", 1) // the lock keeps the writer until both others wait in its queue
	}()
	time.Sleep(50 * time.Millisecond)
	go func() {
		sealed <- b.AppendSeal(t.Context(), &seal.Seal{Log: "x", Pages: 1, Edge: []byte{}, Manifest: []byte{}})
	}()
	go write()
	time.Sleep(50 * time.Millisecond)
	require.NoError(t, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
	require.NoError(t, <-results)
	require.ErrorContains(t, <-sealed, "refused")
	require.NoError(t, conn.Close())
	require.Equal(t, []string{"0"}, f.exec(t, "SELECT count(*) FROM session_seals"))
	require.Equal(t, []string{"1"}, f.exec(t, "SELECT count(*) FROM session_events"))
	require.NoError(t, b.Shutdown(context.Background()))
}

// TestRowsThatNoIDFindsAreNamed: an id of another length or type is between no two.
func TestRowsThatNoIDFindsAreNamed(t *testing.T) {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "session_log.db")
	f := sealedFile{cfg}
	b := f.Open(t, 0)
	require.NoError(t, b.Start(t.Context()))
	_, err := b.Write(t.Context(), func(yield func(int, *session.Event) bool) {
		var e session.Event
		sessiontest.Typical(&e, 1)
		yield(0, &e)
	})
	require.NoError(t, err)
	require.NoError(t, b.Shutdown(context.Background()))
	for _, id := range []string{"x'" + strings.Repeat("ff", 17) + "'", "x'00'", "'0123456789abcdef'"} {
		f.cfg.Path = filepath.Join(t.TempDir(), "copy.db")
		content, err := os.ReadFile(cfg.Path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(f.cfg.Path, content, 0o600))
		f.exec(t, "UPDATE session_events SET record_id = "+id)
		store, err := f.Ask(t.Context())
		require.NoError(t, err)
		var found []verify.Kind
		_, err = verify.Run(t.Context(), store, verify.Options{}, func(one verify.Finding) { found = append(found, one.Kind) })
		require.NoError(t, err)
		require.NoError(t, store.Close())
		require.Contains(t, found, verify.KindDisguised, id)
	}
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

func (f sealedFile) CopyEvents(t testing.TB, where string, id session.ID) {
	columns := strings.Join(f.exec(t, "SELECT name FROM pragma_table_info('session_events') WHERE name <> 'arrival'"), ", ")
	values := strings.Replace(columns, "record_id", f.Bytes(id[:]), 1)
	if id.IsZero() {
		f.exec(t, "DROP INDEX session_events_by_record_id")
		values = columns
	}
	f.exec(t, "INSERT INTO session_events (arrival, "+columns+") SELECT (SELECT max(arrival) + 1 FROM session_events), "+values+" FROM session_events WHERE "+where)
}

func (f sealedFile) Respell(t testing.TB, where string) {
	f.Update(t, "session_events", "attributes", `replace(attributes, '"mtu":', '"m\u0074u": ')`, where)
}

func (sealedFile) Repeat(testing.TB, string) bool { return false }

func (f sealedFile) Bytes(b []byte) string { return "x'" + hex.EncodeToString(b) + "'" }

func (f sealedFile) Column(t testing.TB, sql string) []string { return f.exec(t, sql) }

func (f sealedFile) Disguise(t testing.TB, table, where string) bool {
	f.Update(t, table, "user_name", "CAST(user_name AS BLOB)", where)
	return true
}

func BenchmarkSealedSingleRecords(b *testing.B) {
	sealtest.BenchSingleRecords(b, func() sealtest.Database {
		cfg := sqlite.DefaultConfig()
		cfg.Path = filepath.Join(b.TempDir(), "session_log.db")
		return sealedFile{cfg}
	})
}
