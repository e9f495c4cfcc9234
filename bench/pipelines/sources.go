//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// startSource starts a ClickHouse whose source.session_log has the rows of a file. It is a table of its own, because the server would add our logins to
// system.session_log.
func startSource(ctx context.Context, dir, rows string) (engine, error) {
	e, err := startClickHouse(ctx, dir)
	if err != nil {
		return nil, err
	}
	server := e.(clickhouseEngine)
	for _, sql := range []string{"SYSTEM FLUSH LOGS", "CREATE DATABASE source", "CREATE TABLE source.session_log AS system.session_log"} {
		if _, err := server.question(ctx, sql); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	file, err := os.Open(rows)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	_, err = server.send(ctx, "INSERT INTO source.session_log FORMAT JSONEachRow", file) // closes the file
	if err == nil {
		_, err = server.question(ctx, "OPTIMIZE TABLE source.session_log FINAL")
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}
