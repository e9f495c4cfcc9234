package redshift_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func try(t *testing.T, dsn string) (*pgx.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	}
	return conn, err
}

func connect(t *testing.T, s *redshift.Server, u redshift.User, options ...string) *pgx.Conn {
	t.Helper()
	conn, err := try(t, s.DSN(u, options...))
	require.NoError(t, err)
	return conn
}

func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func TestItAnnouncesItselfAsRedshiftDoes(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Collector)
	for name, want := range map[string]string{
		"server_version": "8.0.2", "client_encoding": "UNICODE", "server_encoding": "UNICODE", "datestyle": "ISO, MDY", "DateStyle": "",
		"standard_conforming_strings": "", "integer_datetimes": "on", "TimeZone": "UTC", "is_superuser": "off", "session_authorization": "collector",
		"application_name": "unset", "padb_version": "1.0.63269", "IntervalStyle": "",
	} {
		require.Equal(t, want, conn.PgConn().ParameterStatus(name), name)
	}
	require.Len(t, conn.PgConn().ParameterStatus("session_id"), 36)
	var version string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT version()", pgx.QueryExecModeExec).Scan(&version))
	require.Contains(t, version, "Redshift 1.0.")

	_, err := conn.Exec(t.Context(), "SELECT $1", pgx.QueryExecModeSimpleProtocol, "x")
	require.ErrorContains(t, err, "standard_conforming_strings", "pgx interpolates for a server that does not say how it reads a literal")
	require.Equal(t, "UTF8", connect(t, s, redshift.Collector, "client_encoding", "UTF8").PgConn().ParameterStatus("client_encoding"))
}

func TestStartParameters(t *testing.T) {
	s := redshift.Start(t)
	_, err := try(t, s.DSN(redshift.Collector, "IntervalStyle", "iso_8601"))
	require.Equal(t, "42704", code(err))
	_, err = try(t, s.DSN(redshift.Collector, "extra_float_digits", "3"))
	require.Equal(t, "22023", code(err))
	conn := connect(t, s, redshift.Collector, "application_name", "etl", "driver_version", "mine 1.0", "os_version", "Linux", "extra_float_digits", "2",
		"query_group", "audit", "options", "-c DateStyle=SQL")
	require.Equal(t, "etl", conn.PgConn().ParameterStatus("application_name"))
	_, err = conn.Exec(t.Context(), "SET query_group TO 'x'")
	require.NoError(t, err)
	_, err = try(t, s.DSN(redshift.User{Name: "collector", Password: "wrong"}))
	require.Equal(t, "28P01", code(err))
}

func TestTLS(t *testing.T) {
	s := redshift.Start(t)
	conn, err := try(t, s.DSNWithTLS(redshift.Admin))
	require.NoError(t, err)
	var n int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT 1").Scan(&n))
	plain := redshift.Start(t, redshift.PostgreSQL(postgresql.Version(15)))
	require.NoError(t, connect(t, plain, redshift.Admin).QueryRow(t.Context(), "SELECT 1").Scan(&n))
}

func TestRefusalsLeaveTheSessionAsAnErrorDoes(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Writer)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeCacheStatement} {
		_, err := conn.Exec(t.Context(), "CREATE TABLE t (id uuid)", mode)
		require.ErrorContains(t, err, `Column "t.id" has unsupported type "uuid".`)
		require.Equal(t, "0A000", code(err))
		_, err = conn.Exec(t.Context(), "SELECT 1", mode)
		require.NoError(t, err)
	}
	tx, err := conn.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT DISTINCT ON (a) a FROM t")
	require.Equal(t, "0A000", code(err))
	_, err = tx.Exec(t.Context(), "SELECT 1")
	require.Equal(t, "25P02", code(err), "a refusal ends the transaction")
	require.NoError(t, tx.Rollback(t.Context()))

	_, err = conn.CopyFrom(t.Context(), pgx.Identifier{"pg_catalog", "sys_connection_log"}, []string{"event"}, pgx.CopyFromRows([][]any{{"x"}}))
	require.Error(t, err)
	_, err = conn.PgConn().CopyFrom(t.Context(), strings.NewReader("x"), "COPY t FROM STDIN")
	require.Equal(t, "42601", code(err))
}

func TestParametersTravelAsText(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Writer)
	var n int64
	err := conn.QueryRow(t.Context(), "SELECT $1::bigint", int64(7)).Scan(&n) // by default pgx asks for the type and sends it in binary
	require.ErrorContains(t, err, "Not implemented")
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT $1::bigint", pgx.QueryExecModeExec, int64(7)).Scan(&n))
	require.EqualValues(t, 7, n)

	many := make([][]byte, 32768)
	result := conn.PgConn().ExecParams(t.Context(), "SELECT 1", many, nil, nil, nil).Read()
	require.ErrorContains(t, result.Err, "32768 parameters")
}

func TestDefinitionsWork(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Writer)
	exec := func(sql string) error {
		_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeExec)
		return err
	}
	require.NoError(t, exec(`CREATE TABLE events (id bigint IDENTITY(1,1) PRIMARY KEY, record varchar(4) NOT NULL ENCODE zstd, at timestamp DEFAULT sysdate,
		attributes super, hash varbyte(16), UNIQUE (record)) DISTSTYLE KEY DISTKEY (record) COMPOUND SORTKEY (at, id)`))
	require.NoError(t, exec("INSERT INTO events (record, attributes, hash) VALUES ('a', json_parse('{\"b\": 1}'), from_hex('00ff')), ('a', NULL, NULL)"),
		"keys are informational")
	require.NoError(t, exec("ALTER TABLE events ADD COLUMN name text"))
	require.Equal(t, "22001", code(exec("INSERT INTO events (record) VALUES ('äöü')")), "six bytes")
	require.NoError(t, exec("CREATE TEMP TABLE staged (LIKE events)"))
	require.Equal(t, "22001", code(exec("INSERT INTO staged (id, record) VALUES (1, 'äöü')")))
	require.Equal(t, [][]string{{"2", `{"b": 1}`, "00ff", "t"}},
		s.Query(t, "SELECT count(*), max(attributes::text), to_hex(max(hash)), bool_and(at <= localtimestamp) FROM events"))
	tag, err := conn.Exec(t.Context(), "SELECT * FROM events", pgx.QueryExecModeExec)
	require.NoError(t, err)
	require.Equal(t, "SELECT", tag.String())
}

func TestLiteralsAndFunctions(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Collector)
	for sql, want := range map[string]string{
		`SELECT 'a\'b\\c'`:      `a'b\c`,
		"SELECT nvl(NULL, 'x')": "x",
		"SELECT dateadd(day, -7, '2023-01-08 10:00:00'::timestamp)::varchar":                                        "2023-01-01 10:00:00",
		"SELECT datediff(hour, '2023-01-01 10:59:00'::timestamp, '2023-01-01 11:00:00'::timestamp)::varchar":        "1",
		"SELECT datediff(microsecond, '2023-01-01 10:59:00'::timestamp, '2023-01-01 10:59:01'::timestamp)::varchar": "1000000",
		"SELECT sha2('abc', 256)": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"SELECT (datediff(second, getdate(), sysdate) BETWEEN -1 AND 1)::varchar": "true",
		"SELECT to_hex(to_varbyte('abc', 'utf8'))":                                "616263",
		`SELECT json_extract_path_text('{"a.b":"x"}'::varchar, 'a.b')`:            "x",
		`SELECT json_extract_path_text('{"a":12}', 'a', true)`:                    "12",
		`SELECT json_extract_path_text('{"a":1}'::varchar, 'b') || '<'`:           "<",
		`SELECT nvl(json_extract_path_text('no json', 'a', true), 'null')`:        "null",
	} {
		var got string
		require.NoError(t, conn.QueryRow(t.Context(), sql, pgx.QueryExecModeExec).Scan(&got), sql)
		require.Equal(t, want, got, sql)
	}
}

func TestTheConnectionLogsHaveTheirDocumentedShapes(t *testing.T) {
	s := redshift.Start(t)
	s.Exec(t, "INSERT INTO stl_connection_log (event, recordtime, remotehost, pid, username) VALUES ('authenticated', '2023-01-01 01:05:07.124567', '::ffff:10.0.0.1', 7, 'alice')")
	s.Exec(t, "INSERT INTO sys_connection_log (event, session_id) VALUES ('authenticated', 7)")
	for table, columns := range map[string]int{"stl_connection_log": 20, "pg_catalog.sys_connection_log": 21} {
		conn := connect(t, s, redshift.Collector)
		read := func() (string, int, error) {
			rows, err := conn.Query(t.Context(), "SELECT * FROM "+table, pgx.QueryExecModeExec)
			require.NoError(t, err)
			defer rows.Close()
			event, n := "", len(rows.FieldDescriptions())
			for rows.Next() {
				values, err := rows.Values()
				require.NoError(t, err)
				event = values[0].(string)
			}
			return event, n, rows.Err()
		}
		_, _, err := read()
		require.Equal(t, "42501", code(err))
		require.ErrorContains(t, err, "permission denied for relation "+strings.TrimPrefix(table, "pg_catalog."))
		s.Exec(t, "GRANT SELECT ON "+table+" TO collector")
		event, n, err := read()
		require.NoError(t, err)
		require.Equal(t, columns, n)
		require.Equal(t, fmt.Sprintf("%-50s", "authenticated"), event)
	}
}

func TestWhichConnectionLogsThereAre(t *testing.T) {
	serverless := redshift.Start(t, redshift.NoSTL())
	_, err := serverless.TryQuery(t.Context(), "SELECT 1 FROM stl_connection_log")
	require.Equal(t, "42P01", code(err))
	old := redshift.Start(t, redshift.NoSYS(), redshift.WideDuration(), redshift.SessionID())
	_, err = old.TryQuery(t.Context(), "SELECT 1 FROM sys_connection_log")
	require.Equal(t, "42P01", code(err))
	old.Exec(t, "INSERT INTO stl_connection_log (duration, sessionid) VALUES (10000000000, 'x')")
}

func TestConnectionsAreCut(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Writer)
	run := func(sql string) error {
		_, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeExec)
		return err
	}
	again := func() {
		require.True(t, conn.IsClosed())
		conn = connect(t, s, redshift.Writer)
	}
	require.NoError(t, run("CREATE TABLE t (a int)"))
	s.Cut()
	require.Error(t, run("SELECT 1"))
	again()

	for fate, want := range map[proxy.Fate]string{proxy.CutBefore: "0", proxy.CutAfter: "1"} {
		s.Exec(t, "TRUNCATE t")
		s.OnStatement(func(sql string) proxy.Fate {
			if sql == "commit" {
				return fate
			}
			return proxy.Pass
		})
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "INSERT INTO t VALUES (1)")
		require.NoError(t, err)
		require.Error(t, tx.Commit(t.Context()))
		require.Equal(t, [][]string{{want}}, s.Query(t, "SELECT count(*) FROM t"))
		again()
	}
	s.OnStatement(nil)

	s.CutAtRow(6)
	rows, err := conn.Query(t.Context(), "SELECT generate_series(1, 10)", pgx.QueryExecModeExec)
	require.NoError(t, err)
	n := 0
	for rows.Next() {
		n++
	}
	require.Equal(t, 5, n)
	require.Error(t, rows.Err())
	again()

	s.Refuse(true)
	_, err = try(t, s.DSN(redshift.Writer))
	require.Error(t, err)
	s.Refuse(false)
	conn = connect(t, s, redshift.Writer)
	s.Statements()
	require.NoError(t, run("SELECT 1"))
	require.Error(t, run("DISCARD ALL"))
	require.Equal(t, []string{"SELECT 1", "DISCARD ALL"}, s.Statements())
	require.Empty(t, s.Statements())
}

func TestAQueryIsCancelled(t *testing.T) {
	s := redshift.Start(t)
	conn := connect(t, s, redshift.Collector)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SELECT pg_sleep(600)", pgx.QueryExecModeExec)
		asked <- err
	}()
	running := func() bool {
		return s.Query(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND usename = 'collector'")[0][0] == "1"
	}
	require.Eventually(t, running, time.Minute, 10*time.Millisecond)
	require.NoError(t, conn.PgConn().CancelRequest(t.Context()))
	err := <-asked
	cancel()
	require.Equal(t, "57014", code(err))
}

// BenchmarkRead is what the proxy costs: rows read through it, and past it.
func BenchmarkRead(b *testing.B) {
	s := redshift.Start(b)
	const n = 200_000
	s.Exec(b, fmt.Sprintf("INSERT INTO sys_connection_log SELECT 'authenticated', now(), '::ffff:10.0.0.1', '5439', i, 'dev', 'alice' FROM generate_series(1, %d) i", n))
	for name, dsn := range map[string]string{
		"proxy":  s.DSN(redshift.Admin),
		"direct": s.PostgreSQL.DSN(redshift.Admin.Name, redshift.Admin.Password, redshift.Database),
	} {
		b.Run(name, func(b *testing.B) {
			conn, err := pgconn.Connect(b.Context(), dsn)
			require.NoError(b, err)
			defer func() { _ = conn.Close(context.Background()) }()
			for b.Loop() {
				reader := conn.ExecParams(b.Context(), "SELECT * FROM sys_connection_log", nil, nil, nil, nil)
				rows := 0
				for reader.NextRow() {
					rows++
				}
				_, err := reader.Close()
				require.NoError(b, err)
				require.Equal(b, n, rows)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
