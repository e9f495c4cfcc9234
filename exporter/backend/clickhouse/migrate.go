package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

const (
	codeUnknownDatabase = 81
	codeTimeout         = 159
)

func (s *eventStore) setUpSchema(ctx context.Context, l *serverConn) error {
	if s.cfg.CreateSchema {
		if err := s.makeDatabase(ctx, l); err != nil {
			return err
		}
	}
	if err := s.requireDatabaseEngine(ctx, l); err != nil {
		return err
	}
	there, err := s.tablesThere(ctx, l) // before the version is asked for: whoever makes views notes it first
	if err != nil {
		return err
	}
	version, err := s.usableVersion(ctx, l, there)
	if err != nil {
		return err
	}
	if !s.cfg.CreateSchema {
		if err := s.requireColumns(ctx, l); err != nil {
			return err
		}
		s.warnOfFsync(there)
		return s.checkViewsByHand(ctx, l)
	}
	if err := s.migrateTables(ctx, l, version); err != nil {
		return err
	}
	if version < len(s.files) {
		if there, err = s.tablesThere(ctx, l); err != nil {
			return err
		}
	}
	if err := s.makeViews(ctx, l, there); err != nil {
		return err
	}
	if err := s.decideTTL(ctx, l, there); err != nil {
		return err
	}
	if err := s.applyTableSettings(ctx, l, there); err != nil {
		return err
	}
	return s.writeViewSettings(ctx, l)
}

// usableVersion is that of a schema which this program knows, and whose names nothing else has.
func (s *eventStore) usableVersion(ctx context.Context, l *serverConn, there map[string]tableThere) (version int, err error) {
	if version, err = s.schemaVersion(ctx, l); err != nil {
		return 0, err
	}
	if version == 0 && s.cfg.CreateSchema {
		for _, v := range s.views {
			if name := s.cfg.prefixNames(v.Name); there[name].kind != "" {
				return 0, s.nameTaken(name)
			}
		}
	}
	if version > len(s.files) {
		return 0, backend.MarkMisconfigured(fmt.Errorf("clickhouse: %s has version %d of the schema, this program knows %d: %w: use that one, or another database or table_prefix",
			s.cfg.FirstHost(), version, len(s.files), ErrNewerSchema))
	}
	return version, nil
}

func (s *eventStore) migrateTables(ctx context.Context, l *serverConn, version int) error {
	for _, m := range s.files[version:] {
		for _, statement := range s.cfg.migrationStatements(m.SQL) {
			if err := l.execSchemaChange(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w", m.Name, err)
			}
		}
	}
	return nil
}

type tableThere struct{ kind, comment, engine string }

// tablesThere are those that keep rows and those that have the name of a view, by name.
func (s *eventStore) tablesThere(ctx context.Context, l *serverConn) (map[string]tableThere, error) {
	names := s.cfg.prefixNames(migrations.QuotedNames(s.views))
	for _, t := range storingTables {
		name, _ := s.cfg.storingTable(t.name)
		names += ", '" + name + "'"
	}
	texts, err := l.queryTexts(ctx, `SELECT concat(name, '\0', engine, '\0', comment, '\0', engine_full) AS text FROM system.tables `+
		"WHERE database = currentDatabase() AND name IN ("+names+")")
	there := map[string]tableThere{}
	for _, text := range texts {
		if part := strings.SplitN(text, "\x00", 4); len(part) == 4 {
			there[part[0]] = tableThere{kind: part[1], comment: part[2], engine: part[3]}
		}
	}
	return there, err
}

func (s *eventStore) makeDatabase(ctx context.Context, l *serverConn) error {
	err := l.execSchemaChange(ctx, "SELECT 1 WHERE 0")
	if !configclickhouse.HasCode(err, codeUnknownDatabase) {
		return err
	}
	outside := s.cfg.connOutsideDatabase()
	outside.log = s.log
	defer outside.closeConn()
	create := "CREATE DATABASE IF NOT EXISTS " + s.cfg.Database
	if s.cfg.Cluster != "" {
		create += " " + s.cfg.clusterClause()
	}
	return outside.execSchemaChange(ctx, create)
}

// unsuitableEngines are those of databases in which tables do not last, or cannot be replicated as ours are.
var unsuitableEngines = map[string]string{
	"Memory":     "forgets its tables when the server ends",
	"Replicated": "gives tables their replicas itself: ours would have rows on one of them alone",
}

func (s *eventStore) requireDatabaseEngine(ctx context.Context, l *serverConn) error {
	engines, err := l.queryTexts(ctx, "SELECT engine AS text FROM system.databases WHERE name = currentDatabase()")
	if slices.Equal(engines, []string{"Replicated"}) {
		// ClickHouse Cloud makes shared tables of ours in such a database, which its older services have, as in one of the engine Shared.
		engines, err = l.queryTexts(ctx, "SELECT if(count() > 0, 'Shared', 'Replicated') AS text FROM system.settings WHERE name = 'cloud_mode' AND value = '1'")
	}
	if err != nil || len(engines) == 0 {
		if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
			return nil
		}
		return err
	}
	if why, unsuitable := unsuitableEngines[engines[0]]; unsuitable {
		return fmt.Errorf("clickhouse: %s: %w: it is %s, which %s: name one of the engine Atomic under database", s.cfg.FirstHost(), ErrEngine, engines[0], why)
	}
	return nil
}

// firstMigration has another name since it makes what four files made, and gets another one with 0.1.0.
const firstMigration = "storage"

// schemaVersion is the number of the last migration, 0 where there was none.
func (s *eventStore) schemaVersion(ctx context.Context, l *serverConn) (int, error) {
	rows, err := l.queryTexts(ctx, s.cfg.prefixNames("SELECT concat(toString(max(version)), ' ', argMin(name, version)) AS text FROM sessionlog_migrations"))
	if configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, first, _ := strings.Cut(rows[0], " ")
	if first != "" && first != firstMigration {
		return 0, backend.MarkMisconfigured(fmt.Errorf("clickhouse: %s: %w: name another database or table_prefix, or drop them",
			s.cfg.FirstHost(), backend.ErrBeforeFirstRelease))
	}
	return strconv.Atoi(version)
}

func (s *eventStore) applyTableSettings(ctx context.Context, l *serverConn, there map[string]tableThere) error {
	for _, t := range storingTables {
		table, clause := s.cfg.storingTable(t.name)
		engine := there[table].engine
		if engine == "" {
			return nil
		}
		var err error
		if ttl := ttlExpression(t.aged, s.ttl); ttl == "" && strings.Contains(engine, " TTL ") {
			err = l.execSchemaChange(ctx, "ALTER TABLE "+table+clause+" REMOVE TTL")
		} else if ttl != "" && !strings.Contains(engine, " TTL "+ttl+" ") {
			err = l.execSchemaChange(ctx, "ALTER TABLE "+table+clause+" MODIFY TTL "+ttl)
		}
		if fsync := s.cfg.fsyncSettings(engine); err == nil && fsync != "" {
			err = l.execSchemaChange(ctx, "ALTER TABLE "+table+clause+" MODIFY SETTING "+fsync)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// storingTable is the name of the table that keeps the rows, and where an ALTER of it has to run.
func (cfg *Config) storingTable(table string) (name, clause string) {
	if cfg.Cluster == "" {
		return cfg.prefixNames(table), ""
	}
	return cfg.prefixNames(table + "_local"), " " + cfg.clusterClause()
}

func (s *eventStore) writeViewSettings(ctx context.Context, l *serverConn) error {
	include := 0
	if s.cfg.STLConnectionLog.IncludePostgreSQL {
		include = 1
	}
	after := int64(s.cfg.Sessions.AssumedClosedAfter / time.Second)
	want := fmt.Sprintf("%d %d", after, include)
	const is = "SELECT concat(toString(assumed_closed_after), ' ', toString(include_postgresql)) AS text FROM sessionlog_settings"
	stored, err := l.queryTexts(ctx, s.cfg.prefixNames(is))
	if err != nil || slices.Equal(stored, []string{want}) {
		return err
	}
	clause := ""
	if s.cfg.Cluster != "" {
		clause = " " + s.cfg.clusterClause()
	}
	return l.execSchemaChange(ctx, s.cfg.prefixNames(fmt.Sprintf(
		"CREATE OR REPLACE VIEW sessionlog_settings%s AS SELECT toUInt64(%d) AS assumed_closed_after, toUInt8(%d) AS include_postgresql",
		clause, after, include)))
}

func (s *eventStore) requireColumns(ctx context.Context, l *serverConn) error {
	all := columnNames()
	var missing []string
	for _, t := range append(slices.Clone(derivedTables), derivedTable{name: "session_events", columns: all}, derivedTable{name: "session_conflicts", columns: all}) {
		name := s.cfg.prefixNames(t.name)
		there, err := l.queryTexts(ctx, "SELECT name AS text FROM system.columns WHERE database = currentDatabase() AND table = '"+name+"'")
		if err != nil {
			return err
		}
		if len(there) == 0 {
			missing = append(missing, name)
			continue
		}
		for _, column := range t.columns {
			if !slices.Contains(there, column) {
				missing = append(missing, name+"."+column)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return fmt.Errorf("clickhouse: %s lacks %s: %w: set create_schema, or run the files of migrations/ and views/ by hand",
		s.cfg.FirstHost(), strings.Join(missing, ", "), ErrNoSchema)
}

func (s *eventStore) warnOfFsync(there map[string]tableThere) {
	for _, t := range storingTables {
		table, _ := s.cfg.storingTable(t.name)
		engine := there[table].engine
		if engine != "" && s.cfg.Fsync && s.cfg.fsyncSettings(engine) != "" {
			s.log.Warn("This table does not wait for the disk, so a loss of power may take records that count as stored. Change it, or set fsync: false",
				zap.String("table", table), zap.String("change", "ALTER TABLE "+table+" MODIFY SETTING "+s.cfg.fsyncSettings(engine)))
		}
	}
}
