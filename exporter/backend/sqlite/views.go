package sqlite

import (
	"context"
	"embed"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

var allViews = migrations.MustReadViews(viewFiles, "views")

func (cfg *Config) makeViews(ctx context.Context, conn *sqlite.Conn) error {
	differing, err := cfg.differingViews(conn)
	if err != nil {
		return cfg.explainError("reading the schema", err)
	}
	revision, err := cfg.readSetting(conn, viewRevisionSetting)
	if err != nil || revision > migrations.ViewRevision || len(differing) == 0 {
		return cfg.explainError("reading settings", err)
	}
	return cfg.inTransaction(ctx, conn, "making views", func() error {
		for _, v := range differing {
			if err := sqlitex.ExecuteScript(conn, "DROP VIEW IF EXISTS "+v.Name+";\n"+v.SQL+";", nil); err != nil {
				return fmt.Errorf("view %s: %w", v.Name, err)
			}
		}
		return cfg.writeSetting(conn, viewRevisionSetting, migrations.ViewRevision)
	})
}

// differingViews are those whose text is another: SQLite keeps the text of a view as it was written.
func (cfg *Config) differingViews(conn *sqlite.Conn) (differing []migrations.View, err error) {
	for _, v := range cfg.namedViews() {
		there, err := queryText(conn, "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?", v.Name)
		if err != nil {
			return nil, err
		}
		if there != v.SQL {
			differing = append(differing, v)
		}
	}
	return differing, nil
}

func (cfg *Config) refuseNamesTaken(conn *sqlite.Conn) error {
	taken, err := queryText(conn, "SELECT name FROM sqlite_schema WHERE name IN ("+cfg.prefixNames("'session_events', 'session_events_1', 'session_events_other', 'session_conflicts', 'sessionlog_partitions', 'sessionlog_pairs', 'sessionlog_hours', 'sessionlog_settings'")+", "+migrations.QuotedNames(cfg.namedViews())+")")
	if err != nil || taken == "" {
		return err
	}
	return backend.NameTaken(fmt.Sprintf("sqlite: path %q", cfg.Path), taken, "path or table_prefix")
}

func (cfg *Config) namedViews() (all []migrations.View) {
	for _, v := range allViews {
		all = append(all, migrations.View{Name: cfg.prefixNames(v.Name), SQL: cfg.prefixNames(v.SQL)})
	}
	return all
}
