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
