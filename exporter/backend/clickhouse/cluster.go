package clickhouse

import (
	"fmt"
	"regexp"
)

var (
	createStatement   = regexp.MustCompile(`^CREATE (?:OR REPLACE )?(TABLE|MATERIALIZED VIEW|VIEW) (?:IF NOT EXISTS )?(\w+)`)
	alterStatement    = regexp.MustCompile(`^ALTER TABLE (\w+)`)
	mergeTreeEngine   = regexp.MustCompile(`ENGINE = (\w*MergeTree)`)
	distributedTables = regexp.MustCompile(`\b(session_events|session_conflicts|session_clients|session_hours|session_pairs|session_seals|session_seal_pages)\b`)
)

// statementsOnCluster is a statement of a migration for a cluster. What keeps rows is named …_local and Replicated on every node; under the name
// that queries use is a Distributed table. Materialized views connect the local tables of one node.
func (cfg *Config) statementsOnCluster(statement string) []string {
	if m := alterStatement.FindStringSubmatch(statement); m != nil {
		return []string{
			alterStatement.ReplaceAllString(statement, "ALTER TABLE ${1}_local "+cfg.clusterClause()),
			alterStatement.ReplaceAllString(statement, "ALTER TABLE $1 "+cfg.clusterClause()),
		}
	}
	m := createStatement.FindStringSubmatch(statement)
	switch {
	case m == nil: // the note of a migration
		return []string{statement}
	case m[2] == "sessionlog_migrations": // the same on every node of every shard
		statement = mergeTreeEngine.ReplaceAllString(statement, "ENGINE = Replicated$1('/clickhouse/tables/{uuid}/sessionlog', '{shard}-{replica}')")
		return []string{createStatement.ReplaceAllString(statement, "$0 "+cfg.clusterClause())}
	case m[1] == "VIEW":
		return []string{createStatement.ReplaceAllString(statement, "$0 "+cfg.clusterClause())}
	case m[1] == "MATERIALIZED VIEW":
		return []string{createStatement.ReplaceAllString(distributedTables.ReplaceAllString(statement, "${1}_local"), "$0 "+cfg.clusterClause())}
	}
	local := distributedTables.ReplaceAllString(statement, "${1}_local")
	local = mergeTreeEngine.ReplaceAllString(local, "ENGINE = Replicated$1")
	local = createStatement.ReplaceAllString(local, "$0 "+cfg.clusterClause())
	return []string{local, cfg.distributedTable(m[2])}
}

func (cfg *Config) clusterClause() string { return "ON CLUSTER '" + cfg.Cluster + "'" }

func (cfg *Config) distributedTable(table string) string {
	// All records of a session are on one shard; what belongs to no session goes where its id says.
	key := "sipHash64(if(session_key = toFixedString('', 16), record_id, session_key))"
	switch table {
	case "session_conflicts":
		key = "sipHash64(record_id)"
	case "session_clients", "session_hours", "session_pairs":
		key = "rand()"
	case "session_seals", "session_seal_pages": // a log is on one shard
		key = "sipHash64(log)"
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s %s AS %s_local ENGINE = Distributed('%s', currentDatabase(), %s_local, %s)",
		table, cfg.clusterClause(), table, cfg.Cluster, table, key)
}
