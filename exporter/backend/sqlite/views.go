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

// allViews are all views.
var allViews = migrations.MustReadViews(viewFiles, "views")

// makeViews makes those views anew whose text is not this program's. SQLite keeps the text of a view as it was written.
func (cfg *Config) makeViews(ctx context.Context, conn *sqlite.Conn) error {
	var differing []migrations.View
	for _, v := range cfg.namedViews() {
		there := ""
		err := sqlitex.Execute(conn, "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?", &sqlitex.ExecOptions{
			Args:       []any{v.Name},
			ResultFunc: func(stmt *sqlite.Stmt) error { there = stmt.ColumnText(0); return nil },
		})
		if err != nil {
			return cfg.explainError("reading the schema", err)
		}
		if there != v.SQL {
			differing = append(differing, v)
		}
	}
	if len(differing) == 0 {
		return nil
	}
	return cfg.inTransaction(ctx, conn, "making views", func() error {
		for _, v := range differing {
			if err := sqlitex.ExecuteScript(conn, "DROP VIEW IF EXISTS "+v.Name+";\n"+v.SQL+";", nil); err != nil {
				return fmt.Errorf("view %s: %w", v.Name, err)
			}
		}
		return nil
	})
}

// refuseNamesTaken leaves somebody else's database alone.
func (cfg *Config) refuseNamesTaken(conn *sqlite.Conn) error {
	taken := ""
	err := sqlitex.Execute(conn, "SELECT name FROM sqlite_schema WHERE name IN ("+migrations.QuotedNames(cfg.namedViews())+")", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error { taken = stmt.ColumnText(0); return nil },
	})
	if err != nil || taken == "" {
		return err
	}
	return backend.NameTaken(fmt.Sprintf("sqlite: path %q", cfg.Path), taken, "path or table_prefix")
}

// namedViews are all views under their names here.
func (cfg *Config) namedViews() (all []migrations.View) {
	for _, v := range allViews {
		all = append(all, migrations.View{Name: cfg.prefixNames(v.Name), SQL: cfg.prefixNames(v.SQL)})
	}
	return all
}
