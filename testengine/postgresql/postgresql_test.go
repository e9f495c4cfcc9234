package postgresql_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// connect logs in and says what the server answers to SELECT current_user.
func connect(t *testing.T, dsn string) (*pgconn.PgConn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, dsn)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func eachVersion(t *testing.T, test func(t *testing.T, version int)) {
	t.Helper()
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) { test(t, version) })
	}
}

func TestStartsAndAnswers(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		s := postgresql.Start(t, postgresql.Version(version))
		rows := s.Query(t, "SELECT current_setting('server_version_num')::int / 10000, NULL")
		require.Equal(t, [][]string{{fmt.Sprint(version), server.Null}}, rows)
		_, err := s.TryQuery(t.Context(), "SELECT no_such_column")
		require.ErrorContains(t, err, "42703")
	})
}

func TestTheLogIsWrittenInAllThreeFormats(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		s := postgresql.Start(t, postgresql.Version(version), postgresql.LogLinePrefix("%m|%h|%c|%u "))
		conn, err := connect(t, s.DSN(server.Alice.Name, server.Alice.Password, server.AppDB, "application_name", "etl"))
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		for _, format := range []string{server.Stderr, server.CSVLog, server.JSONLog} {
			log := s.WaitLogHas(t, format, "disconnection: session time", 1)
			for _, line := range []string{"connection received", "connection authenticated", "connection authorized: user=alice database=app application_name=etl"} {
				require.Contains(t, string(log), line)
			}
			require.Equal(t, version == 18, bytes.Contains(log, []byte("connection ready")), format)
		}
		require.Contains(t, string(s.ReadLog(t, server.Stderr)), "|alice LOG:  connection authorized")
	})
}

func TestOneFormatAlone(t *testing.T) {
	s := postgresql.Start(t, postgresql.LogFormats(server.JSONLog), postgresql.Timezone("Asia/Kolkata"))
	require.Len(t, s.LogFiles(server.JSONLog), 1)
	require.Empty(t, s.LogFiles(server.CSVLog))
	s.WaitLogHas(t, server.JSONLog, `IST"`, 1)
}

func TestTLSIsTheClientsChoice(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		s := postgresql.Start(t, postgresql.Version(version))
		encrypted := func(dsn string) string {
			conn, err := connect(t, dsn)
			require.NoError(t, err)
			result, err := conn.Exec(t.Context(), "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").ReadAll()
			require.NoError(t, err)
			return string(result[0].Rows[0][0])
		}
		alice := server.Alice
		require.Equal(t, "f", encrypted(s.DSN(alice.Name, alice.Password, server.AppDB)))
		require.Equal(t, "t", encrypted(s.DSNWithTLS(alice.Name, alice.Password, server.AppDB)))
		require.Equal(t, "t", encrypted(s.DSNWithTLS(server.Grace.Name, "", server.AppDB)))
		_, err := connect(t, s.DSN(server.Grace.Name, "", server.AppDB))
		require.ErrorContains(t, err, "28000")
	})
}

func TestNoTLS(t *testing.T) {
	s := postgresql.Start(t, postgresql.NoTLS())
	require.Empty(t, s.TLS())
	_, err := connect(t, s.DSN(server.Alice.Name, server.Alice.Password, server.AppDB, "sslmode", "require"))
	require.ErrorContains(t, err, "refused TLS")
}

func TestSettingsAndLinesOfPgHBA(t *testing.T) {
	s := postgresql.Start(t, postgresql.HBA("host all alice all reject"), postgresql.Setting("wal_level", "logical"),
		postgresql.Setting("log_line_prefix", `it's \ %u `))
	require.Equal(t, "logical", s.Query(t, "SHOW wal_level")[0][0])
	require.Equal(t, `it's \ %u `, s.Query(t, "SHOW log_line_prefix")[0][0])
	_, err := connect(t, s.DSN(server.Alice.Name, server.Alice.Password, server.AppDB))
	require.ErrorContains(t, err, "28000")
}

func TestWhatWasCommittedSurvivesAKill(t *testing.T) {
	eachVersion(t, func(t *testing.T, version int) {
		s := postgresql.Start(t, postgresql.Version(version))
		s.ExecIn(t, server.AppDB, "CREATE TABLE kept AS SELECT 7 AS x")
		pid, address := s.PID, s.Address
		s.Kill(t)
		_, err := net.Dial("tcp", address)
		require.ErrorContains(t, err, "refused")
		s.Restart(t)
		require.Equal(t, address, s.Address)
		require.NotEqual(t, pid, s.PID)
		require.Equal(t, [][]string{{"7"}}, s.QueryIn(t, server.AppDB, "SELECT x FROM kept"))
		s.WaitLogHas(t, server.Stderr, "database system was not properly shut down", 1)
	})
}

func TestStopEndsSessionsAndRestartChangesSettings(t *testing.T) {
	s := postgresql.Start(t)
	conn, err := connect(t, s.DSN(server.Carol.Name, "", server.AppDB))
	require.NoError(t, err)
	s.Stop(t)
	_, err = conn.Exec(t.Context(), "SELECT 1").ReadAll()
	require.Error(t, err)
	s.Restart(t, postgresql.Setting("log_connections", "receipt"))
	require.Equal(t, "receipt", s.Query(t, "SHOW log_connections")[0][0])
	require.NotContains(t, string(s.ReadLog(t, server.Stderr)), "not properly shut down")
}

func TestRotate(t *testing.T) {
	s := postgresql.Start(t, postgresql.LogFormats(server.JSONLog))
	for n := range 2 {
		s.Rotate(t)
		require.Len(t, s.LogFiles(server.JSONLog), n+2)
	}
	s.Exec(t, "SELECT 'after'")
	s.WaitLog(t, server.JSONLog, func([]byte) bool {
		files := s.LogFiles(server.JSONLog)
		info, err := os.Stat(files[len(files)-1])
		return err == nil && info.Size() > 0
	})
}

func TestDataStaysInADirectoryOfTheCallers(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		postgresql.Start(t, postgresql.Dir(dir)).Exec(t, "CREATE TABLE kept (x int)")
	})
	s := postgresql.Start(t, postgresql.Dir(dir))
	require.Equal(t, [][]string{{"1"}}, s.Query(t, "SELECT count(*) FROM pg_class WHERE relname = 'kept'"))
	require.Equal(t, filepath.Join(dir, "data", "log"), s.LogDir())
}

func TestAFrozenServerAnswersNothing(t *testing.T) {
	s := postgresql.Start(t)
	conn, err := connect(t, s.DSN(server.Alice.Name, server.Alice.Password, server.AppDB))
	require.NoError(t, err)
	s.Freeze(t)
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT 1").ReadAll()
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("it answered: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	s.Thaw(t)
	require.NoError(t, <-answered)
}
