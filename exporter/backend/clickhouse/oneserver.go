package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/otel-sessionlog/sessionlog/internal/connectcheck"
)

// requireOneServer finds out whether records would be spread over servers that know nothing of each other, before anything is made on
// one of them. Servers that keep their tables together are as good as one.
func (s *eventStore) requireOneServer(ctx context.Context) error {
	if s.cfg.Cluster != "" {
		return nil
	}
	servers, err := s.cfg.serverUUIDs(ctx)
	if err != nil || len(servers) < 2 {
		return err
	}
	together, err := s.sharesTablesAmongServers(ctx)
	if err != nil || together {
		return err
	}
	return fmt.Errorf("clickhouse: %s: %w (serverUUID %s): tables made on one of them are missing on the others, and the records would be spread: "+
		"write cluster: with their cluster's name (SELECT DISTINCT cluster FROM system.clusters), or let endpoints name one server",
		s.cfg.FirstHost(), ErrSeveralServers, strings.Join(servers, ", "))
}

func (cfg Config) serverUUIDs(ctx context.Context) (uuids []string, err error) {
	away := map[int]error{}
	for i := range max(cfg.serversAsked, len(cfg.Endpoints)) {
		n := i % len(cfg.Endpoints)
		if away[n] != nil {
			continue
		}
		one := cfg.connOutsideDatabase()
		one.cfg.Endpoints = cfg.Endpoints[n : n+1]
		answer, err := one.queryTexts(ctx, "SELECT toString(serverUUID()) AS text")
		one.closeConn()
		if err != nil {
			if away[n] = err; len(away) == len(cfg.Endpoints) {
				return nil, err
			}
			continue // it is left to whoever connects
		}
		uuids = append(uuids, answer...)
	}
	slices.Sort(uuids)
	return slices.Compact(uuids), nil
}

// connOutsideDatabase is a connection in no particular database: a session cannot begin in one that is not there.
func (cfg Config) connOutsideDatabase() *serverConn {
	l := &serverConn{eventStore: &eventStore{cfg: cfg, log: zap.NewNop()}}
	l.cfg.Database = ""
	return l
}

func (s *eventStore) sharesTablesAmongServers(ctx context.Context) (bool, error) {
	l := s.cfg.connOutsideDatabase()
	defer l.closeConn()
	shared, err := l.queryNumber(ctx, "SELECT toString(count()) AS text FROM system.table_engines WHERE name = 'SharedMergeTree'")
	if err != nil || shared > 0 { // as in ClickHouse Cloud
		return shared > 0, err
	}
	database := "currentDatabase()"
	if s.cfg.Database != "" {
		database = "'" + s.cfg.Database + "'"
	}
	// Somebody may have made them so by hand.
	engines, err := l.queryTexts(ctx, "SELECT engine AS text FROM system.tables WHERE database = "+database+" AND name = '"+s.cfg.prefixNames("session_events")+"'")
	return len(engines) == 1 && (engines[0] == "Distributed" || strings.HasPrefix(engines[0], "Replicated")), err
}

func (s *eventStore) checkServers(ctx context.Context) connectcheck.Finding {
	if err := s.requireOneServer(ctx); err != nil {
		return connectcheck.Finding{
			Subject: "servers behind the address", Detail: s.cfg.explainError("asking who answers", err).Error(), Key: "cluster",
			Remedy: "write cluster: with their cluster's name, or let endpoints name one server",
		}
	}
	return connectcheck.Finding{OK: true, Subject: "servers behind the address", Detail: "one, or several that keep their tables together"}
}
