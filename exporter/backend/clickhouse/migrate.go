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
)

// Codes of the server that have a meaning here.
const (
	codeUnknownDatabase = 81
	codeTimeout         = 159
)

// setUp brings the schema to this program's version, or says what is missing in it.
func (s *store) setUp(ctx context.Context, l *link) error {
	if s.cfg.CreateSchema {
		if err := s.makeDatabase(ctx, l); err != nil {
			return err
		}
	}
	taken, err := s.viewNamesTaken(ctx, l) // before the version is asked for: whoever makes views notes it first
	if err != nil {
		return err
	}
	version, err := s.version(ctx, l)
	if err != nil {
		return err
	}
	if version == 0 && len(taken) > 0 && s.cfg.CreateSchema {
		return s.nameTaken(taken[0])
	}
	if version > len(s.files) {
		return backend.Misconfigured(fmt.Errorf("clickhouse: %s has version %d of the schema, this program knows %d: %w: use that one, or another database or table_prefix",
			s.cfg.FirstHost(), version, len(s.files), ErrNewerSchema))
	}
	if !s.cfg.CreateSchema {
		return s.check(ctx, l)
	}
	for _, m := range s.files[version:] {
		for _, statement := range s.cfg.script(m.SQL) {
			if err := l.exec(ctx, statement); err != nil {
				return fmt.Errorf("migration %s: %w", m.Name, err)
			}
		}
	}
	if err := s.makeViews(ctx, l); err != nil {
		return err
	}
	if err := s.decideTTL(ctx, l); err != nil {
		return err
	}
	if err := s.tune(ctx, l); err != nil {
		return err
	}
	return s.tellViews(ctx, l)
}

// makeDatabase makes the configured database where it is missing.
func (s *store) makeDatabase(ctx context.Context, l *link) error {
	err := l.exec(ctx, "SELECT 1 WHERE 0")
	if !configclickhouse.HasCode(err, codeUnknownDatabase) {
		return err
	}
	outside := s.cfg.outside()
	outside.log = s.log
	defer outside.close()
	create := "CREATE DATABASE IF NOT EXISTS " + s.cfg.Database
	if s.cfg.Cluster != "" {
		create += " " + s.cfg.clusterClause()
	}
	return outside.exec(ctx, create)
}

// version is the number of the last migration, 0 where there was none.
func (s *store) version(ctx context.Context, l *link) (int, error) {
	rows, err := l.texts(ctx, s.cfg.named("SELECT concat(toString(max(version)), ' ', argMin(name, version)) AS text FROM sessionlog_migrations"))
	if configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, first, _ := strings.Cut(rows[0], " ")
	if first != "" && first != "schema" {
		return 0, backend.Misconfigured(fmt.Errorf("clickhouse: %s: %w: name another database or table_prefix, or drop them",
			s.cfg.FirstHost(), backend.ErrBeforeFirstRelease))
	}
	return strconv.Atoi(version)
}

// tune gives the tables the TTL that is in force and the care for the disk that the configuration asks for, where they have others.
func (s *store) tune(ctx context.Context, l *link) error {
	for _, t := range tables {
		table, clause := s.cfg.stored(t.name)
		engine, err := l.engine(ctx, table)
		if err != nil || engine == "" {
			return err
		}
		if ttl := s.cfg.ttlOf(t.name, t.aged, s.ttl); ttl == "" && strings.Contains(engine, " TTL ") {
			err = l.exec(ctx, "ALTER TABLE "+table+clause+" REMOVE TTL")
		} else if ttl != "" && !strings.Contains(engine, " TTL "+ttl+" ") {
			err = l.exec(ctx, "ALTER TABLE "+table+clause+" MODIFY TTL "+ttl)
		}
		if fsync := s.cfg.fsync(engine); err == nil && fsync != "" {
			err = l.exec(ctx, "ALTER TABLE "+table+clause+" MODIFY SETTING "+fsync)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// engine is how the server describes a table's engine, "" where there is no such table.
func (l *link) engine(ctx context.Context, table string) (string, error) {
	all, err := l.texts(ctx, "SELECT engine_full AS text FROM system.tables WHERE database = currentDatabase() AND name = '"+table+"'")
	return strings.Join(all, ""), err
}

// stored is the name of the table that keeps the rows, and where an ALTER of it has to run.
func (cfg *Config) stored(table string) (name, clause string) {
	if cfg.Cluster == "" {
		return cfg.named(table), ""
	}
	return cfg.named(table + "_local"), " " + cfg.clusterClause()
}

// tellViews writes what the views need of the configuration, where it is not there already.
func (s *store) tellViews(ctx context.Context, l *link) error {
	include := 0
	if s.cfg.STLConnectionLog.IncludePostgreSQL {
		include = 1
	}
	after := int64(s.cfg.Sessions.AssumedClosedAfter / time.Second)
	want := fmt.Sprintf("%d %d", after, include)
	const is = "SELECT concat(toString(assumed_closed_after), ' ', toString(include_postgresql)) AS text FROM sessionlog_settings"
	told, err := l.texts(ctx, s.cfg.named(is))
	if err != nil || slices.Equal(told, []string{want}) {
		return err
	}
	clause := ""
	if s.cfg.Cluster != "" {
		clause = " " + s.cfg.clusterClause()
	}
	return l.exec(ctx, s.cfg.named(fmt.Sprintf(
		"CREATE OR REPLACE VIEW sessionlog_settings%s AS SELECT toUInt64(%d) AS assumed_closed_after, toUInt8(%d) AS include_postgresql",
		clause, after, include)))
}

// check says which tables and columns are missing that this program writes.
func (s *store) check(ctx context.Context, l *link) error {
	all, fed := columnNames()
	var missing []string
	for table, want := range map[string][]string{
		"session_events": all, "session_feed": fed, "session_conflicts": all,
	} {
		name := s.cfg.named(table)
		there, err := l.texts(ctx, "SELECT name AS text FROM system.columns WHERE database = currentDatabase() AND table = '"+name+"'")
		if err != nil {
			return err
		}
		if len(there) == 0 {
			missing = append(missing, name)
			continue
		}
		for _, column := range want {
			if !slices.Contains(there, column) {
				missing = append(missing, name+"."+column)
			}
		}
	}
	if len(missing) == 0 {
		return s.warn(ctx, l)
	}
	slices.Sort(missing)
	return fmt.Errorf("clickhouse: %s lacks %s: %w: set create_schema, or run the files of migrations/ and views/ by hand",
		s.cfg.FirstHost(), strings.Join(missing, ", "), ErrNoSchema)
}

// warn says which tables of a schema that we may not change do not keep what the configuration promises.
func (s *store) warn(ctx context.Context, l *link) error {
	for _, t := range tables {
		table, _ := s.cfg.stored(t.name)
		engine, err := l.engine(ctx, table)
		if err != nil {
			return err
		}
		if engine != "" && s.cfg.Fsync && s.cfg.fsync(engine) != "" {
			s.log.Warn("This table does not wait for the disk, so a loss of power may take records that count as stored. Change it, or set fsync: false",
				zap.String("table", table), zap.String("change", "ALTER TABLE "+table+" MODIFY SETTING "+s.cfg.fsync(engine)))
		}
	}
	return nil
}
