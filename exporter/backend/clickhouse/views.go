package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

// views are all views but those that inserts go through, and sessionlog_settings.
var views = migrations.MustReadViews(viewFiles, "views")

// makeViews makes those views anew whose text is not this program's. The comment on a view has the digest of its text.
func (s *store) makeViews(ctx context.Context, l *link) error {
	there, err := l.texts(ctx, "SELECT concat(name, ' ', comment) AS text FROM system.tables WHERE database = currentDatabase() AND engine = 'View'")
	if err != nil {
		return err
	}
	for _, v := range s.views {
		name, comment := s.cfg.named(v.Name), "sessionlog "+migrations.Digest(s.cfg.named(v.SQL))
		if slices.Contains(there, name+" "+comment) {
			continue
		}
		if err := l.exec(ctx, s.cfg.viewStatement(v)+" COMMENT '"+comment+"'"); err != nil {
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
	return cfg.named(strings.Replace(v.SQL, "CREATE VIEW "+v.Name, "CREATE OR REPLACE VIEW "+v.Name+clause, 1))
}
