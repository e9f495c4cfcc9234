package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

var (
	// nodesInterval is how often nodes that were away at start are asked what they lack.
	nodesInterval = time.Minute

	createdObject = regexp.MustCompile(`^CREATE ((?:MATERIALIZED )?\w+) (\S+(?: UUID '[0-9a-f-]+')?)`)
)

// completeNodes makes what a node of the cluster lacks and another has, as it is now. A node that was away while a table was made and then changed
// cannot make it as it was first: the replicas have another structure by then. One that was added later was never asked to.
func (s *eventStore) completeNodes(ctx context.Context, l *serverConn) (complete bool, err error) {
	away, err := l.queryNumber(ctx, fmt.Sprintf("SELECT toString(assumeNotNull((SELECT count() FROM system.clusters WHERE cluster = %[1]s)) - count()) AS text "+
		"FROM clusterAllReplicas(%[1]s, system.one) SETTINGS skip_unavailable_shards = 1", configclickhouse.QuoteText(s.cfg.Cluster)))
	if err != nil {
		return false, err
	}
	missing, err := l.queryTexts(ctx, fmt.Sprintf("SELECT name AS text FROM clusterAllReplicas(%[1]s, system.tables) "+ // spelling all of them out costs each node 20 ms
		"WHERE database = %[2]s AND match(name, %[3]s) GROUP BY name HAVING count() < (SELECT count() FROM clusterAllReplicas(%[1]s, system.one)) "+
		"ORDER BY multiIf(any(engine) LIKE 'Replicated%%', 0, any(engine) = 'Distributed', 1, any(engine) = 'View', 3, 2), name "+
		"SETTINGS skip_unavailable_shards = 1",
		configclickhouse.QuoteText(s.cfg.Cluster), configclickhouse.QuoteText(s.cfg.Database), configclickhouse.QuoteText("^"+s.cfg.TablePrefix+ourNamePattern+"$")))
	for _, name := range missing {
		create, err := l.queryTexts(ctx, fmt.Sprintf("SELECT create_table_query AS text FROM clusterAllReplicas(%s, system.tables) WHERE database = %s AND name = %s LIMIT 1 "+
			"SETTINGS skip_unavailable_shards = 1, show_table_uuid_in_table_create_query_if_not_nil = 1", configclickhouse.QuoteText(s.cfg.Cluster), configclickhouse.QuoteText(s.cfg.Database), configclickhouse.QuoteText(name)))
		if err != nil || len(create) == 0 {
			return false, err
		}
		if err := l.execSchemaChange(ctx, createdObject.ReplaceAllString(create[0], "CREATE $1 IF NOT EXISTS $2 "+s.cfg.clusterClause())); err != nil {
			return false, err
		}
	}
	return away == 0 && len(missing) == 0, err
}

// completeNodesSoon begins to watch for nodes that are away, until none is.
func (s *eventStore) completeNodesSoon(ctx context.Context, l *serverConn) {
	if s.cfg.Cluster == "" || !s.cfg.CreateSchema {
		return
	}
	complete, err := s.completeNodes(ctx, l)
	if configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied) {
		s.log.Warn("the nodes of the cluster cannot be asked whether each has all tables: one that was away while they were made may lack some; GRANT READ ON REMOTE and SELECT ON system.tables to the account",
			zap.String("key", "cluster"), zap.Error(err))
		return
	}
	if !complete {
		s.background.Go(s.watchNodes)
	}
}

func (s *eventStore) watchNodes() {
	l := &serverConn{eventStore: s}
	defer l.closeConn()
	every := time.NewTicker(nodesInterval)
	defer every.Stop()
	for {
		select {
		case <-s.pool.Stopping():
			return
		case <-every.C:
		}
		complete, err := s.completeNodes(s.pool.Context(), l)
		switch {
		case s.pool.Context().Err() != nil:
			return
		case err != nil:
			s.log.Warn("a node of the cluster lacks tables that the others have, and they cannot be made there yet", zap.String("key", "cluster"), zap.Error(err))
		case complete:
			s.log.Info("each node of the cluster has all tables", zap.String("key", "cluster"))
			return
		}
	}
}
