//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.uber.org/zap"
	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/session"
	postgresqlserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	clickhouseserver "github.com/otel-sessionlog/sessionlog/testengine/server"
)

// place is where the events are, in a folder that stays.
type place struct {
	open  func() (backend.Backend, error)
	ask   func(context.Context) (query.Store, error)
	index func(context.Context) error         // builds what the backend builds in quiet times
	tends func(context.Context) (bool, error) // whether the backend has not come to the end of what it does in quiet times
	close func() error

	rowsOverWire int // more are made of those, by grow; 0: all come over the wire
	grow         func(ctx context.Context, copies int) error
	views        []string // that are asked besides
}

var settings = componenttest.NewNopTelemetrySettings()

func openPlace(ctx context.Context, kind, dir string) (place, error) {
	log, err := zap.NewProduction(zap.IncreaseLevel(zap.WarnLevel))
	if err != nil {
		return place{}, err
	}
	settings.Logger = log
	switch kind {
	case "sqlite":
		return openSQLite(dir), nil
	case "postgresql":
		return openPostgreSQL(ctx, dir)
	case "clickhouse":
		return openClickHouse(ctx, dir)
	}
	return place{}, fmt.Errorf("-backend %s: sqlite, postgresql or clickhouse", kind)
}

func openSQLite(dir string) place {
	cfg := sqlite.DefaultConfig()
	cfg.Path = filepath.Join(dir, "clicks.db")
	return place{
		open:  func() (backend.Backend, error) { return sqlite.New(cfg, settings) },
		ask:   func(ctx context.Context) (query.Store, error) { return sqlite.OpenQueryStore(ctx, cfg) },
		index: func(context.Context) error { return nil },
		tends: func(context.Context) (bool, error) { return sqliteTends(cfg.Path) },
		close: func() error { return nil },
	}
}

// sqliteTends tells whether rows are to be counted yet, or session keys of closed partitions to be indexed.
func sqliteTends(path string) (tends bool, err error) {
	conn, err := zombie.OpenConn(path, zombie.OpenReadOnly)
	if err != nil {
		return false, err
	}
	err = sqlitex.ExecuteTransient(conn, "SELECT (SELECT value FROM sessionlog_settings WHERE name = 'summed_up_to') < (SELECT arrival FROM session_events ORDER BY arrival DESC LIMIT 1) "+
		"OR EXISTS (SELECT 1 FROM sessionlog_partitions AS p WHERE low < (SELECT max(low) FROM sessionlog_partitions) AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = p.name || '_by_session_key'))",
		&sqlitex.ExecOptions{ResultFunc: func(stmt *zombie.Stmt) error { tends = stmt.ColumnBool(0); return nil }})
	return tends, errors.Join(err, conn.Close())
}

func openPostgreSQL(ctx context.Context, dir string) (place, error) {
	server, err := postgresqlserver.Start(ctx, postgresqlserver.Config{
		Dir: filepath.Join(dir, "postgresql"), LogFormats: []string{postgresqlserver.Stderr},
		Settings: map[string]string{"log_connections": "off", "log_disconnections": "off", "max_wal_size": "4GB", "shared_buffers": "512MB"},
	})
	if err != nil {
		return place{}, err
	}
	cfg := postgresql.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password, cfg.Database = []string{server.Address}, postgresqlserver.Admin.Name, configopaque.String(postgresqlserver.Admin.Password), "postgres"
	cfg.TLS.GetOrInsertDefault().Insecure = true
	return place{
		open: func() (backend.Backend, error) { return postgresql.New(cfg, settings) },
		ask:  func(ctx context.Context) (query.Store, error) { return postgresql.OpenQueryStore(ctx, cfg) },
		index: func(ctx context.Context) error {
			parts, err := server.Query(ctx, "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'session_events'::regclass")
			for _, part := range parts {
				for _, sql := range []string{
					"CREATE INDEX IF NOT EXISTS %[1]s_user ON %[1]s (left(user_name, 200), time)",
					"CREATE INDEX IF NOT EXISTS %[1]s_address ON %[1]s (left(client_address, 200), time)",
					"CREATE INDEX IF NOT EXISTS %[1]s_failure ON %[1]s (time) WHERE outcome = 'failure'", "VACUUM ANALYZE %s",
				} {
					if err == nil {
						_, err = server.Query(ctx, fmt.Sprintf(sql, part[0]))
					}
				}
			}
			return err
		},
		tends: func(ctx context.Context) (bool, error) {
			left, err := server.Query(ctx, "SELECT EXISTS (SELECT FROM session_uncounted)")
			return err == nil && left[0][0] == "t", err
		},
		close: server.Stop,
	}, err
}

var rowsOverWire = flag.Int("wire", 10_000_000, "rows that the exporter writes into ClickHouse; the server copies them, until there are as many as -rows")

func openClickHouse(ctx context.Context, dir string) (place, error) {
	server, err := clickhouseserver.Start(ctx, clickhouseserver.Config{
		Dir: filepath.Join(dir, "clickhouse"), FlushInterval: time.Hour, LogLevel: "warning", ConfigXML: serverMemory, UsersXML: usualCompiling,
	})
	if err != nil {
		return place{}, err
	}
	cfg := clickhouse.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{"clickhouse://" + server.Native}, clickhouseserver.Admin.Name, configopaque.String(clickhouseserver.Admin.Password)
	newest, err := time.Parse(time.RFC3339, newestMoment)
	if err != nil {
		return place{}, errors.Join(err, server.Stop())
	}
	cfg.Sessions.AssumedClosedAfter = time.Since(newest) + day // views count from now on
	return place{
		open:  func() (backend.Backend, error) { return clickhouse.New(cfg, settings) },
		ask:   func(ctx context.Context) (query.Store, error) { return clickhouse.OpenQueryStore(ctx, cfg) },
		index: func(context.Context) error { return nil },
		close: server.Stop,

		rowsOverWire: *rowsOverWire,
		grow:         func(ctx context.Context, copies int) error { return growClickHouse(ctx, cfg, copies) },
		views:        []string{"open_sessions"},
	}, nil
}

// What tests turn off, who run many servers on one machine.
const (
	serverMemory   = "<max_server_memory_usage>8000000000</max_server_memory_usage>"
	usualCompiling = "<profiles><default><compile_expressions>1</compile_expressions><compile_aggregate_expressions>1</compile_aggregate_expressions>" +
		"<compile_sort_description>1</compile_sort_description></default></profiles>"
)

const batchRows = 8192

// fill writes a history.
func (p place) fill(ctx context.Context, rows int) error {
	copies := 1
	if p.rowsOverWire > 0 {
		copies = max(1, rows/p.rowsOverWire)
	}
	if err := p.write(ctx, rows/copies); err != nil {
		return err
	}
	if copies > 1 {
		return p.grow(ctx, copies)
	}
	return nil
}

// renewViews writes what views are told.
func (p place) renewViews(ctx context.Context) error {
	if len(p.views) == 0 {
		return nil
	}
	b, err := p.open()
	if err == nil {
		err = b.Start(ctx)
	}
	if err != nil {
		return err
	}
	return b.Shutdown(ctx)
}

func (p place) write(ctx context.Context, rows int) error {
	b, err := p.open()
	if err != nil {
		return err
	}
	if err := b.Start(ctx); err != nil {
		return err
	}
	batch, begin := make([]session.Event, batchRows), time.Now()
	write := func(size int) error {
		_, err := b.Write(ctx, func(yield func(int, *session.Event) bool) {
			for i := range batch[:size] {
				if !yield(i, &batch[i]) {
					return
				}
			}
		})
		return err
	}
	for n, e := range newHistory(1).events(rows) {
		e.CopyTo(&batch[n%batchRows])
		if size := n%batchRows + 1; size == batchRows || n == rows-1 {
			if err := write(size); err != nil {
				return errors.Join(err, b.Shutdown(ctx))
			}
			if n/batchRows%64 == 0 {
				fmt.Fprintf(os.Stderr, "%d rows, %.0f a second\n", n+1, float64(n+1)/time.Since(begin).Seconds())
			}
		}
	}
	return errors.Join(p.settle(ctx), b.Shutdown(ctx), p.index(ctx))
}

// settle gives a backend the quiet time in which it builds its indexes.
func (p place) settle(ctx context.Context) error {
	for tends := true; tends; {
		time.Sleep(quietTime)
		if tends = false; p.tends != nil {
			var err error
			if tends, err = p.tends(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// tend opens what was filled by an older program, and lets the backend do what this one does in quiet times.
func (p place) tend(ctx context.Context) error {
	b, err := p.open()
	if err != nil {
		return err
	}
	if err := b.Start(ctx); err != nil {
		return err
	}
	return errors.Join(p.settle(ctx), b.Shutdown(ctx))
}

const quietTime = 15 * time.Second

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
