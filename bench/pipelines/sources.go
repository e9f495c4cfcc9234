//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	postgresql "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/redshift"
)

// sinkStarts make the sinks; what is not here (nop) keeps nothing.
var sinkStarts = map[string]func(ctx context.Context, dir string) (engine, error){
	"clickhouse": startClickHouse,
	"postgresql": startPostgreSQL,
	"sqlite": func(_ context.Context, dir string) (engine, error) {
		return fileEngine{filepath.Join(dir, "session_log.db"), askSQLite}, nil
	},
	"file": func(_ context.Context, dir string) (engine, error) {
		return fileEngine{filepath.Join(dir, "records.json"), countRecords}, nil
	},
}

// sourceStarts make the sources that are servers, filled with the rows of an input.
var sourceStarts = map[string]func(ctx context.Context, dir string, rows inputFile) (engine, error){
	"clickhouse": startFilledClickHouse,
	"traces":     startTracedClickHouse,
	"redshift":   startRedshift,
}

// startFilledClickHouse starts one whose source.session_log has the rows of a file. It is a table of its own, because the server would add our
// logins to system.session_log.
func startFilledClickHouse(ctx context.Context, dir string, rows inputFile) (engine, error) {
	e, err := startClickHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	server := e.(clickhouseEngine)
	file, err := os.Open(rows.path)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	for _, statement := range []struct {
		sql  string
		body io.Reader // is closed once it is sent
	}{
		{"SYSTEM FLUSH LOGS", nil},
		{"CREATE DATABASE source", nil},
		{"CREATE TABLE source.session_log AS system.session_log", nil},
		{"INSERT INTO source.session_log FORMAT JSONEachRow", file},
		{"OPTIMIZE TABLE source.session_log FINAL", nil},
	} {
		if _, err := server.send(ctx, statement.sql, statement.body); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// startRedshift starts the stand-in's PostgreSQL, without the proxy before it, which costs what no Redshift costs. It sorts in memory, as Redshift
// does with so few rows.
func startRedshift(ctx context.Context, dir string, rows inputFile) (engine, error) {
	s, err := postgresql.Start(ctx, postgresql.Config{
		Dir: filepath.Join(dir, "redshift"), LogFormats: []string{postgresql.Stderr}, HBA: []string{redshift.HBA()},
		Settings: map[string]string{"allow_system_table_mods": "on", "work_mem": "256MB", "max_wal_size": "4GB", "log_connections": "off", "log_disconnections": "off"},
	})
	if err != nil {
		return nil, err
	}
	_, err = s.Query(ctx, redshift.ClusterSQL())
	for _, sql := range []string{redshift.LogsSQL(), redshift.BacklogSQL(rows.Rows, time.Duration(rows.Rows)*redshiftStep)} {
		if err == nil {
			_, err = s.QueryIn(ctx, redshift.Database, sql)
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return redshiftEngine{postgresqlEngine{s}}, nil
}

// redshiftStep is the time between two rows: a million of them are seven hours.
const redshiftStep = 25 * time.Millisecond

// redshiftEngine is a source: who reads it is another user.
type redshiftEngine struct{ postgresqlEngine }

func (e redshiftEngine) environment() []string {
	return []string{"POSTGRESQL=" + e.Address, "POSTGRESQL_USER=" + redshift.Admin.Name, "POSTGRESQL_PASSWORD=" + redshift.Admin.Password}
}

// startTracedClickHouse is the same, whose clients have also run queries, one session in ten under a trace.
func startTracedClickHouse(ctx context.Context, dir string, rows inputFile) (engine, error) {
	e, err := startFilledClickHouse(ctx, dir, rows)
	if err != nil {
		return nil, err
	}
	for _, sql := range []string{
		"SYSTEM FLUSH LOGS", "TRUNCATE TABLE system.query_log", // what filling it has left
		fillQueryLog, fillSpanLog,
		"OPTIMIZE TABLE system.query_log FINAL", "OPTIMIZE TABLE system.opentelemetry_span_log FINAL",
	} {
		if _, err := e.question(ctx, sql); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

const (
	// queriesOfSessions are one query of a request and three of a connection, shortly after the login.
	queriesOfSessions = `(SELECT hostname, auth_id, client_address, client_port, interface, user, event_time_microseconds, arrayJoin(if(interface = 'TCP', [1, 50, 500], [1])) AS delay, addMilliseconds(event_time_microseconds, delay) AS start,
		toString(auth_id) || '-' || toString(delay) AS id FROM source.session_log WHERE type = 'LoginSuccess')`
	// inLittleMemory is for the tables of the server itself, which have many columns.
	inLittleMemory = " SETTINGS max_threads = 1, max_insert_threads = 1, max_block_size = 8192, min_insert_block_size_rows = 50000, min_insert_block_size_bytes = 0"
	fillQueryLog   = `INSERT INTO system.query_log (hostname, type, event_date, event_time, event_time_microseconds, query_start_time, query_start_time_microseconds,
		query_duration_ms, query_id, initial_query_id, query, query_kind, address, port, initial_address, initial_port, interface, user, initial_user, authenticated_user, is_initial_query)
		SELECT hostname, arrayJoin(['QueryStart', 'QueryFinish']), toDate(start), start, start, start, start, 0, id, id,
		'SELECT count() FROM orders WHERE customer = ' || toString(client_port), 'Select', client_address, client_port, client_address, client_port, toUInt8(interface), user, user, user, 1
		FROM ` + queriesOfSessions + inLittleMemory
	// fillSpanLog has five spans of each query, as servers write some for each of its stages.
	fillSpanLog = `INSERT INTO system.opentelemetry_span_log (hostname, trace_id, span_id, parent_span_id, operation_name, kind, start_time_us, finish_time_us, finish_date, attribute)
		SELECT hostname, reinterpretAsUUID(sipHash128(id)), cityHash64(id, stage), 1, stage, 'INTERNAL', toUnixTimestamp64Micro(start), toUnixTimestamp64Micro(start) + 900, toDate(start),
		if(stage = 'query', map('clickhouse.query_id', id, 'clickhouse.query_status', 'QueryFinish', 'db.statement', 'SELECT count() FROM orders WHERE customer = ' || toString(client_port),
			'clickhouse.read_rows', '8192', 'clickhouse.memory_usage', '1048576'), map('clickhouse.thread_id', toString(client_port)))
		FROM (SELECT *, arrayJoin(['query', 'TCPHandler', 'DB::InterpreterSelectQuery::execute()', 'PipelineExecutor::execute()', 'ThreadPoolJob']) AS stage
			FROM ` + queriesOfSessions + ` WHERE cityHash64(auth_id) % 10 = 0)` + inLittleMemory
)
