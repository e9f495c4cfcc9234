//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	clickhouse "github.com/otel-sessionlog/sessionlog/testengine/server"

	postgresql "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
)

// engine is a server that a pipeline reads from or writes to, made for one run.
type engine interface {
	environment() []string
	processID() int
	question(ctx context.Context, sql string) (string, error) // the first cell of the answer
	settled(ctx context.Context) error                        // returns once what was written lies as it will lie
	bytes(ctx context.Context) (string, error)                // on disk, of all that pipelines write
	Close() error
}

// clickhouseEngine is a ClickHouse.
type clickhouseEngine struct{ *clickhouse.Server }

func startClickHouse(ctx context.Context, dir string) (engine, error) {
	s, err := clickhouse.Start(ctx, clickhouse.Config{Dir: filepath.Join(dir, "clickhouse"), FlushInterval: 7500 * time.Millisecond, LogLevel: "warning"})
	if err != nil {
		return nil, err
	}
	return clickhouseEngine{s}, nil
}

func (e clickhouseEngine) environment() []string {
	return []string{"CLICKHOUSE=" + e.Native, "CLICKHOUSE_USER=" + clickhouse.Admin.Name, "CLICKHOUSE_PASSWORD=" + clickhouse.Admin.Password}
}

func (e clickhouseEngine) processID() int { return e.PID }

func (e clickhouseEngine) question(ctx context.Context, sql string) (string, error) {
	return e.send(ctx, sql, nil)
}

// send runs a statement with the rows of body behind it.
func (e clickhouseEngine) send(ctx context.Context, sql string, body io.Reader) (string, error) {
	address := url.URL{Scheme: "http", Host: e.HTTP, RawQuery: url.Values{"query": {sql}}.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), body)
	if err != nil {
		return "", err
	}
	request.SetBasicAuth(clickhouse.Admin.Name, clickhouse.Admin.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("%s: %s: %s", sql, response.Status, text))
	}
	return strings.TrimSpace(string(text)), errors.Join(err, response.Body.Close())
}

// settled waits until no merge runs: until then the server pays for what the pipeline has written.
func (e clickhouseEngine) settled(ctx context.Context) error {
	for quiet := 0; quiet < 3; quiet++ {
		merges, err := e.question(ctx, "SELECT count() FROM system.merges WHERE database != 'system'")
		if err != nil {
			return err
		}
		if merges != "0" {
			quiet = -1
		}
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// statementCosts are the processor seconds of whole statements, those of the materialized views of an insert included, and of all that the server did.
const statementCosts = `SELECT left(any(query), 60) AS statement, count() AS n, sum(written_rows) AS rows_written,
	round(sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) / 1e6, 2) AS cpu_s
FROM system.query_log WHERE type = 'QueryFinish' AND query_kind IN ('Insert', 'Select') AND positionCaseInsensitive(query, 'system.') = 0
GROUP BY normalized_query_hash ORDER BY cpu_s DESC LIMIT 5
UNION ALL SELECT 'all that the server did', 0, 0, round(value / 1e6, 2) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'
FORMAT TSVWithNames`

// printStatements tells what the server's processor time went into.
func (e clickhouseEngine) printStatements(ctx context.Context, to io.Writer) error {
	if _, err := e.question(ctx, "SYSTEM FLUSH LOGS"); err != nil {
		return err
	}
	answer, err := e.question(ctx, statementCosts)
	if err == nil {
		_, err = fmt.Fprintln(to, answer)
	}
	return err
}

// columnSizes are the bytes of columns, of skipping indexes, and what the parts have beside them: primary keys, marks, checksums, and columns of compact parts.
const columnSizes = `WITH (SELECT sum(rows) FROM system.parts WHERE active AND database || '.' || table IN ('audit.session_events', 'default.otel_logs')) AS events
SELECT place, what, round(bytes / events, 2) AS bytes_an_event FROM (
	SELECT table AS place, column AS what, sum(column_data_compressed_bytes) AS bytes
		FROM system.parts_columns WHERE active AND database IN ('audit', 'default') GROUP BY ALL
	UNION ALL SELECT table, 'skipping indexes', sum(secondary_indices_compressed_bytes)
		FROM system.parts WHERE active AND database IN ('audit', 'default') GROUP BY ALL
	UNION ALL SELECT table, concat('whole, of ', toString(count()), ' parts'), sum(bytes_on_disk)
		FROM system.parts WHERE active AND database IN ('audit', 'default') GROUP BY ALL
) WHERE bytes_an_event > 0 ORDER BY place, bytes DESC FORMAT TSVWithNames`

// printColumns tells what the disk is used for.
func (e clickhouseEngine) printColumns(ctx context.Context, to io.Writer) error {
	answer, err := e.question(ctx, columnSizes)
	if err == nil {
		_, err = fmt.Fprintln(to, answer)
	}
	return err
}

func (e clickhouseEngine) bytes(ctx context.Context) (string, error) {
	return e.question(ctx, "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database NOT IN ('system', 'source')")
}

// postgresqlEngine is a PostgreSQL with the settings that it comes with, but for a write-ahead log that is large enough for a busy server.
type postgresqlEngine struct{ *postgresql.Server }

func startPostgreSQL(ctx context.Context, dir string) (engine, error) {
	s, err := postgresql.Start(ctx, postgresql.Config{
		Dir: filepath.Join(dir, "postgresql"), LogFormats: []string{postgresql.Stderr},
		Settings: map[string]string{"log_connections": "off", "log_disconnections": "off", "max_wal_size": "4GB"},
	})
	if err != nil {
		return nil, err
	}
	return postgresqlEngine{s}, nil
}

func (e postgresqlEngine) environment() []string {
	return []string{"POSTGRESQL=" + e.Address, "POSTGRESQL_USER=" + postgresql.Alice.Name, "POSTGRESQL_PASSWORD=" + postgresql.Alice.Password}
}

func (e postgresqlEngine) processID() int { return e.PID }

func (e postgresqlEngine) question(ctx context.Context, sql string) (string, error) {
	rows, err := e.QueryIn(ctx, postgresql.AppDB, sql)
	if err != nil {
		return "", err
	}
	return rows[0][0], nil
}

func (e postgresqlEngine) settled(ctx context.Context) error {
	_, err := e.QueryIn(ctx, postgresql.AppDB, "CHECKPOINT")
	return err
}

func (e postgresqlEngine) bytes(ctx context.Context) (string, error) {
	return e.question(ctx, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = 'public'::regnamespace")
}

// fileEngine is a file in the collector's folder: no process, and questions that its format answers.
type fileEngine struct {
	name string
	ask  func(ctx context.Context, path, sql string) (string, error)
}

func (e fileEngine) environment() []string { return nil }

func (e fileEngine) processID() int { return 0 }

func (e fileEngine) question(ctx context.Context, sql string) (string, error) {
	return e.ask(ctx, e.name, sql)
}

func (e fileEngine) settled(context.Context) error { return nil }

func (e fileEngine) bytes(context.Context) (string, error) {
	files, err := filepath.Glob(e.name + "*") // SQLite's write-ahead log stands beside the file
	var sum int64
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		sum += info.Size()
	}
	return strconv.FormatInt(sum, 10), err
}

func (e fileEngine) Close() error { return nil }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
