package postgresql

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"
)

// partitionIndexes answer questions about a user, an address and failures. They cost the server as much as all the rest of a row, since
// their keys come in no order: so they are built after a backlog and not during it (docs/adr/0005). A B-tree refuses texts of more than
// 2704 bytes.
var partitionIndexes = []struct{ suffix, keys string }{
	{"_user", "(left(user_name, 200), time)"},
	{"_address", "(left(client_address, 200), time)"},
	{"_failure", "(time) WHERE outcome = 'failure'"},
}

// busyRows is how many rows between two rounds of maintenance mean that a backlog is being written: some 8,000 a second.
const busyRows = 5_000_000

func (s *eventStore) buildIndexes(ctx context.Context) {
	if written := s.written.Swap(0); written > busyRows || !s.cfg.CreateSchema {
		return
	}
	if err := s.withNewConn(ctx, s.indexPartitions); err != nil && ctx.Err() == nil {
		s.log.Warn("an index of a partition cannot be built: questions about users, addresses and failures read more than they must; it is tried again every ten minutes",
			zap.Error(s.cfg.explainError("building an index", err)))
	}
}

func (s *eventStore) indexPartitions(ctx context.Context, conn *pgconn.PgConn) error {
	known, err := s.listPartitions(ctx, conn)
	if err != nil {
		return err
	}
	for _, p := range append(known, idRange{name: s.cfg.prefixNames("session_events_default")}) {
		some, err := queryRows(ctx, conn, "SELECT EXISTS (SELECT FROM "+p.name+")")
		if err != nil {
			return err
		}
		if some[0][0] != "t" { // what is to come may be a backlog
			continue
		}
		if err := indexPartition(ctx, conn, p.name); err != nil {
			return err
		}
	}
	return nil
}

func indexPartition(ctx context.Context, conn *pgconn.PgConn, partition string) error {
	// One that broke off stays behind, not valid.
	rows, err := queryRows(ctx, conn, "SELECT c.relname, i.indisvalid OR EXISTS (SELECT FROM pg_stat_progress_create_index b WHERE b.index_relid = c.oid)"+
		" FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = '"+partition+"'::regclass")
	if err != nil {
		return err
	}
	sound := map[string]string{}
	for _, r := range rows {
		sound[r[0]] = r[1]
	}
	schema, table, found := strings.Cut(partition, ".")
	if !found {
		schema, table = "", partition
	} else {
		schema += "."
	}
	for _, index := range partitionIndexes {
		name := table + index.suffix
		if sound[name] == "t" {
			continue
		}
		if sound[name] == "f" {
			if err := execStatements(ctx, conn, "DROP INDEX CONCURRENTLY IF EXISTS "+schema+name); err != nil {
				return err
			}
		}
		if err := execStatements(ctx, conn, "CREATE INDEX CONCURRENTLY IF NOT EXISTS "+name+" ON "+partition+" "+index.keys); err != nil {
			return err
		}
	}
	return nil
}
