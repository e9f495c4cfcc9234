package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

// allViews are all views but those that inserts go through, and sessionlog_settings.
var allViews = migrations.MustReadViews(viewFiles, "views")

// viewNamesTaken are the names of views under which there is something, with its engine and comment.
func (s *store) viewNamesTaken(ctx context.Context, l *serverConn) ([]string, error) {
	return l.queryTexts(ctx, "SELECT concat(name, ' ', engine, ' ', comment) AS text FROM system.tables WHERE database = currentDatabase() AND name IN ("+
		s.cfg.prefixNames(migrations.QuotedNames(s.views))+")")
}

func (s *store) nameTaken(taken string) error {
	name, _, _ := strings.Cut(taken, " ")
	return backend.NameTaken("clickhouse: "+s.cfg.FirstHost(), name, "database or table_prefix")
}

// makeViews makes those views anew whose text is not this program's. The comment on a view has the digest of its text. A table under the name
// of a view is somebody else's and stays.
func (s *store) makeViews(ctx context.Context, l *serverConn) error {
	there, err := s.viewNamesTaken(ctx, l)
	if err != nil {
		return err
	}
	for _, v := range s.views {
		name, comment := s.cfg.prefixNames(v.Name), "sessionlog "+migrations.Digest(s.cfg.prefixNames(v.SQL))
		if slices.Contains(there, name+" View "+comment) {
			continue
		}
		for _, t := range there {
			if strings.HasPrefix(t, name+" ") && !strings.HasPrefix(t, name+" View ") {
				return s.nameTaken(t)
			}
		}
		if err := l.execDDL(ctx, s.cfg.viewStatement(v)+" COMMENT '"+comment+"'"); err != nil {
			return fmt.Errorf("view %s: %w", name, err)
		}
	}
	return nil
}

// viewStatement makes a view, or makes it anew, on every node.
func (cfg *Config) viewStatement(v migrations.View) string {
	clause := ""
	if cfg.Cluster != "" {
		clause = " " + cfg.clusterClause()
	}
	return cfg.prefixNames(strings.Replace(v.SQL, "CREATE VIEW "+v.Name, "CREATE OR REPLACE VIEW "+v.Name+clause, 1))
}
