package clickhouse

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/exporter/backend"
	"github.com/otel-sessionlog/sessionlog/exporter/backend/migrations"
)

//go:embed views/*.sql
var viewFiles embed.FS

// allViews are all views but those that inserts go through, and sessionlog_settings.
var allViews = migrations.MustReadViews(viewFiles, "views")

func (s *eventStore) nameTaken(name string) error {
	return backend.NameTaken("clickhouse: "+s.cfg.FirstHost(), name, "database or table_prefix")
}

func (s *eventStore) makeViews(ctx context.Context, l *serverConn, there map[string]tableThere) error {
	for _, v := range s.views {
		named := migrations.View{Name: s.cfg.prefixNames(v.Name), SQL: s.cfg.prefixNames(v.SQL)}
		switch is := there[named.Name]; {
		case is.kind == "":
		case is.kind != "View": // a table of somebody else
			return s.nameTaken(named.Name)
		case is.comment == named.Comment() || migrations.IsOfNewerProgram(is.comment):
			continue
		}
		if err := l.execSchemaChange(ctx, s.cfg.viewStatement(v)+" COMMENT '"+named.Comment()+"'"); err != nil {
			return fmt.Errorf("view %s: %w", named.Name, err)
		}
	}
	return nil
}

func (s *eventStore) checkViewsByHand(ctx context.Context, l *serverConn) error {
	var differing []migrations.View
	// Columns alone: the server spells a view's text anew, so another expression for a column is not seen.
	for _, v := range s.views {
		name := s.cfg.prefixNames(v.Name)
		_, query, _ := strings.Cut(s.cfg.prefixNames(v.SQL), " AS\n")
		wanted, err := l.describeQuery(ctx, query)
		if err != nil {
			return err
		}
		there, err := l.queryTexts(ctx, "SELECT concat(name, ' ', type) AS text FROM system.columns WHERE database = currentDatabase() AND table = '"+name+"' ORDER BY position")
		if err != nil {
			return err
		}
		if !slices.Equal(wanted, there) {
			differing = append(differing, migrations.View{Name: name})
		}
	}
	migrations.WarnOfOldViews(s.log, differing)
	return nil
}

func (l *serverConn) describeQuery(ctx context.Context, query string) (columns []string, err error) {
	var answer [7]proto.ColStr
	var results proto.Results
	for i, name := range [len(answer)]string{"name", "type", "default_type", "default_expression", "comment", "codec_expression", "ttl_expression"} {
		results = append(results, proto.ResultColumn{Name: name, Data: &answer[i]})
	}
	err = l.runStatement(ctx, func(conn configclickhouse.Conn) error {
		columns = nil
		return conn.Query(ctx, "", "DESCRIBE TABLE ("+query+")", results, func(rows int) error {
			for i := range rows {
				columns = append(columns, answer[0].Row(i)+" "+answer[1].Row(i))
			}
			return nil
		})
	})
	return columns, err
}

func (cfg *Config) viewStatement(v migrations.View) string {
	clause := ""
	if cfg.Cluster != "" {
		clause = " " + cfg.clusterClause()
	}
	return cfg.prefixNames(strings.Replace(v.SQL, "CREATE VIEW "+v.Name, "CREATE OR REPLACE VIEW "+v.Name+clause, 1))
}
