package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configopaque"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	clickhousebackend "github.com/otel-sessionlog/sessionlog/exporter/backend/clickhouse"
	postgresqlbackend "github.com/otel-sessionlog/sessionlog/exporter/backend/postgresql"
	sqlitebackend "github.com/otel-sessionlog/sessionlog/exporter/backend/sqlite"
	"github.com/otel-sessionlog/sessionlog/query"
	"github.com/otel-sessionlog/sessionlog/testengine"
	pgengine "github.com/otel-sessionlog/sessionlog/testengine/postgresql"
	pgserver "github.com/otel-sessionlog/sessionlog/testengine/postgresql/server"
	"github.com/otel-sessionlog/sessionlog/testengine/server"
)

// sink is where the events of a run are kept.
type sink interface {
	// block is the exporter's configuration.
	block() string
	// rows are those of the run's users; none while there is no table.
	rows(t *testing.T) []row
	// conflicts counts second versions of known records.
	conflicts(t *testing.T) string
	// ask opens the backend to be read.
	ask(ctx context.Context) (query.Store, error)
}

// cells are the parts of a [row]; $TIME is the backend's own way to microseconds.
const cells = "user_name, kind, outcome, coalesce(source_event, ''), $TIME, coalesce(client_address, ''), coalesce(client_port, 0)"

func newSink(t *testing.T, p *plan, s *servers, dir string) (sink, *wire) {
	t.Helper()
	switch p.sink {
	case "sqlite":
		return &sqliteSink{plan: p, path: filepath.Join(dir, "session_log.db")}, nil
	case "postgresql":
		s := s.postgresql()
		w := newWire(t, s.Address)
		return &postgresqlSink{plan: p, server: s, via: w.address()}, w
	default:
		s := s.clickhouse()
		w := newWire(t, s.Native)
		return &clickhouseSink{plan: p, server: s, via: w.address()}, w
	}
}

// users is the condition for the run's own.
func (p *plan) users() string {
	condition := "user_name LIKE '" + p.prefix() + "%'"
	if p.source == "clickhouse" {
		condition += " OR user_name = '" + server.Alice.Name + "'"
	}
	return condition
}

type sqliteSink struct {
	plan *plan
	path string
}

func (s *sqliteSink) block() string { return "sqlite: {path: '" + s.path + "'}" }

func (s *sqliteSink) ask(ctx context.Context) (query.Store, error) {
	cfg := sqlitebackend.DefaultConfig()
	cfg.Path = s.path
	return sqlitebackend.OpenQueryStore(ctx, cfg)
}

func (s *sqliteSink) rows(t *testing.T) []row {
	return s.query(t, "SELECT "+strings.Replace(cells, "$TIME", "time / 1000", 1)+" FROM session_events WHERE "+s.plan.users())
}

func (s *sqliteSink) conflicts(t *testing.T) string {
	return string(s.query(t, "SELECT count(*) FROM session_conflicts")[0])
}

func (s *sqliteSink) query(t *testing.T, sql string) (rows []row) {
	t.Helper()
	if _, err := os.Stat(s.path); err != nil {
		return nil
	}
	conn, err := sqlite.OpenConn(s.path, sqlite.OpenReadOnly)
	if err != nil {
		return nil
	}
	defer conn.Close()
	conn.SetBusyTimeout(10 * time.Second)
	err = sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		var cells []string
		for i := range stmt.ColumnCount() {
			cells = append(cells, stmt.ColumnText(i))
		}
		rows = append(rows, row(strings.Join(cells, "|")))
		return nil
	}})
	// A collector that was killed while it made the file leaves a journal, which only one that may write rolls back: the next start.
	notYet := []sqlite.ResultCode{sqlite.ResultCantOpen, sqlite.ResultReadOnly}
	if err != nil && !strings.Contains(err.Error(), "no such table") && !slices.Contains(notYet, sqlite.ErrCode(err).ToPrimary()) {
		require.NoError(t, err)
	}
	return rows
}

// lock holds the write lock for a while, as somebody's tool does.
func (s *sqliteSink) lock(d time.Duration) {
	conn, err := sqlite.OpenConn(s.path, sqlite.OpenReadWrite)
	if err != nil {
		return // no database yet
	}
	defer conn.Close()
	conn.SetBusyTimeout(time.Second)
	if sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil) == nil {
		time.Sleep(d)
		_ = sqlitex.ExecuteTransient(conn, "ROLLBACK", nil)
	}
}

type postgresqlSink struct {
	plan   *plan
	server *pgengine.Server
	via    string
}

func (s *postgresqlSink) prefix() string { return strings.ReplaceAll(s.plan.prefix(), "-", "_") }

func (s *postgresqlSink) block() string {
	return fmt.Sprintf("postgresql: {endpoints: ['%s'], username: %s, password: %s, database: %s, schema: public, table_prefix: %s}",
		s.via, pgserver.Alice.Name, pgserver.Alice.Password, pgserver.AppDB, s.prefix())
}

func (s *postgresqlSink) ask(ctx context.Context) (query.Store, error) {
	cfg := postgresqlbackend.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{s.server.Address}, pgserver.Alice.Name, configopaque.String(pgserver.Alice.Password)
	cfg.Database, cfg.Schema, cfg.TablePrefix = pgserver.AppDB, "public", s.prefix()
	return postgresqlbackend.OpenQueryStore(ctx, cfg)
}

func (s *postgresqlSink) rows(t *testing.T) []row {
	return s.query(t, "SELECT "+strings.Replace(cells, "$TIME", "(time_ns / 1000)", 1)+" FROM "+s.prefix()+"session_events WHERE "+s.plan.users())
}

func (s *postgresqlSink) conflicts(t *testing.T) string {
	return string(s.query(t, "SELECT count(*) FROM "+s.prefix()+"session_conflicts")[0])
}

func (s *postgresqlSink) query(t *testing.T, sql string) (rows []row) {
	t.Helper()
	answer, err := s.server.TryQueryIn(t.Context(), pgserver.AppDB, sql)
	if err != nil {
		require.ErrorContains(t, err, "does not exist") // not made yet
	}
	for _, r := range answer {
		rows = append(rows, row(strings.Join(r, "|")))
	}
	return rows
}

type clickhouseSink struct {
	plan   *plan
	server *testengine.Server
	via    string
}

func (s *clickhouseSink) database() string {
	return strings.ReplaceAll(s.plan.prefix(), "-", "_") + "db"
}

func (s *clickhouseSink) block() string {
	return fmt.Sprintf("clickhouse: {endpoints: ['clickhouse://%s'], username: %s, password: %s, database: %s}",
		s.via, server.Admin.Name, server.Admin.Password, s.database())
}

func (s *clickhouseSink) ask(ctx context.Context) (query.Store, error) {
	cfg := clickhousebackend.DefaultConfig()
	cfg.Endpoints, cfg.Username, cfg.Password = []string{"clickhouse://" + s.server.Native}, server.Admin.Name, configopaque.String(server.Admin.Password)
	cfg.Database = s.database()
	return clickhousebackend.OpenQueryStore(ctx, cfg)
}

func (s *clickhouseSink) rows(t *testing.T) []row {
	return s.query(t, "SELECT "+strings.Replace(cells, "$TIME", "toUnixTimestamp64Micro(time)", 1)+" FROM "+s.database()+
		".session_events FINAL WHERE "+s.plan.users())
}

func (s *clickhouseSink) conflicts(t *testing.T) string {
	return string(s.query(t, "SELECT count() FROM "+s.database()+".session_conflicts")[0])
}

func (s *clickhouseSink) query(t *testing.T, sql string) (rows []row) {
	t.Helper()
	answer, err := s.server.TryQuery(t.Context(), sql)
	if err != nil {
		require.Regexp(t, "UNKNOWN_(TABLE|DATABASE)|does not exist", err.Error())
	}
	for _, r := range answer {
		rows = append(rows, row(strings.Join(r, "|")))
	}
	return rows
}
