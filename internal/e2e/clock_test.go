package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/session"
	"github.com/otel-sessionlog/sessionlog/session/plogs"
)

// TestAYearBetweenTwoStarts deletes nothing until somebody says that it has passed: to the program a clock that is a year ahead looks the same. What comes
// meanwhile is written.
func TestAYearBetweenTwoStarts(t *testing.T) {
	db := filepath.Join(t.TempDir(), "session_log.db")
	run := func(ttl string) (*process, string) {
		address := freeAddress(t)
		p := newProcess(t, fmt.Sprintf(`
receivers: {otlp: {protocols: {grpc: {endpoint: %q}}}}
exporters: {sessionlog: {sqlite: {path: %q%s}, dead_letter: {directory: '$DIR/dead_letter'}}}
service:
  telemetry: {metrics: {level: none}, logs: {level: warn}}
  pipelines: {logs: {receivers: [otlp], exporters: [sessionlog]}}
`, address, db, ttl))
		p.start(t)
		return p, address
	}
	end := func(p *process) {
		p.terminate(t)
		require.Equal(t, 0, p.status(t, endsWithin))
	}
	rows := func() (n int) {
		conn, err := sqlite.OpenConn(db, sqlite.OpenReadOnly)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, sqlitex.Execute(conn, "SELECT count(*) FROM session_events", &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
			n = stmt.ColumnInt(0)
			return nil
		}}))
		return n
	}

	p, address := run("")
	pushAged(t, address, 366*24*time.Hour, 400*24*time.Hour)
	end(p)
	lastYear := time.Now().AddDate(-1, 0, 0).Unix()
	conn, err := sqlite.OpenConn(db, sqlite.OpenReadWrite)
	require.NoError(t, err)
	require.NoError(t, sqlitex.ExecuteScript(conn, fmt.Sprintf("INSERT OR REPLACE INTO sessionlog_settings VALUES ('ttl', %d), ('ttl_counted_from', %d)", 90*24*3600, lastYear), nil))
	require.NoError(t, conn.Close())

	for range 2 {
		p, address = run(", ttl: 2160h")
		p.logs(t, "the clock is further ahead than the time that has passed")
		p.logs(t, "write ttl_confirm: true beside ttl and restart")
		pushAged(t, address, time.Hour)
		end(p)
	}
	require.Equal(t, 4, rows())
	p, _ = run(", ttl: 2160h, ttl_confirm: true")
	require.Eventually(t, func() bool { return rows() == 2 }, arrival, quick)
	end(p)
}

// pushAged sends a login of each age by gRPC, as soon as the collector takes it.
func pushAged(t *testing.T, address string, ages ...time.Duration) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer conn.Close()
	var events []session.Event
	for _, age := range ages {
		events = append(events, session.Event{Kind: session.KindLogin, Outcome: session.OutcomeSuccess, System: "app", Instance: "test", User: "alice", Time: time.Now().Add(-age).UnixNano()})
	}
	logs := plogotlp.NewExportRequestFromLogs(plogs.NewEncoder("test").Encode(events))
	_, err = plogotlp.NewGRPCClient(conn).Export(t.Context(), logs, grpc.WaitForReady(true))
	require.NoError(t, err)
}
