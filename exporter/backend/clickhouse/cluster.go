package clickhouse

import (
	"fmt"
	"regexp"
)

var (
	creates       = regexp.MustCompile(`^CREATE (?:OR REPLACE )?(TABLE|MATERIALIZED VIEW|VIEW) (?:IF NOT EXISTS )?(\w+)`)
	alters        = regexp.MustCompile(`^ALTER TABLE (\w+)`)
	mergeTree     = regexp.MustCompile(`ENGINE = (\w*MergeTree)`)
	distributable = regexp.MustCompile(`\b(session_events|session_conflicts|session_feed|session_states|session_open|session_clients)\b`)
)

// onCluster is a statement of a migration for a cluster. What keeps rows is named …_local and Replicated on every node; under the name
// that queries use stands a Distributed table. Materialized views connect the local tables of one node.
func (cfg *Config) onCluster(statement string) []string {
	if m := alters.FindStringSubmatch(statement); m != nil {
		return []string{
			alters.ReplaceAllString(statement, "ALTER TABLE ${1}_local "+cfg.clusterClause()),
			alters.ReplaceAllString(statement, "ALTER TABLE $1 "+cfg.clusterClause()),
		}
	}
	m := creates.FindStringSubmatch(statement)
	switch {
	case m == nil: // the note of a migration
		return []string{statement}
	case m[2] == "sessionlog_migrations": // the same on every node of every shard
		statement = mergeTree.ReplaceAllString(statement, "ENGINE = Replicated$1('/clickhouse/tables/{uuid}/sessionlog', '{shard}-{replica}')")
		return []string{creates.ReplaceAllString(statement, "$0 "+cfg.clusterClause())}
	case m[1] == "VIEW":
		return []string{creates.ReplaceAllString(statement, "$0 "+cfg.clusterClause())}
	case m[1] == "MATERIALIZED VIEW":
		return []string{creates.ReplaceAllString(distributable.ReplaceAllString(statement, "${1}_local"), "$0 "+cfg.clusterClause())}
	}
	local := distributable.ReplaceAllString(statement, "${1}_local")
	local = mergeTree.ReplaceAllString(local, "ENGINE = Replicated$1")
	local = creates.ReplaceAllString(local, "$0 "+cfg.clusterClause())
	return []string{local, cfg.distributedTable(m[2])}
}

func (cfg *Config) clusterClause() string { return "ON CLUSTER '" + cfg.Cluster + "'" }

// distributedTable spreads a table over the shards. All records of a session are on one shard, so that its states are; what belongs to no
// session goes where its id says.
func (cfg *Config) distributedTable(table string) string {
	key := "sipHash64(if(session_key = toFixedString('', 16), record_id, session_key))"
	switch table {
	case "session_states", "session_open":
		key = "sipHash64(session_key)"
	case "session_conflicts":
		key = "sipHash64(record_id)"
	case "session_clients":
		key = "rand()"
	}
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s %s AS %s_local ENGINE = Distributed('%s', currentDatabase(), %s_local, %s)",
		table, cfg.clusterClause(), table, cfg.Cluster, table, key)
}
