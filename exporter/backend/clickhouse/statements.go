package clickhouse

import (
	"fmt"
	"slices"
	"strings"
)

// statements are all that a writer runs, made once from columns. %s is a condition on record_id.
type statements struct {
	insert   string // the new records
	conflict string // versions, into session_conflicts
	clients  string // %s: what stored records say of clients, once more
	stored   string // %s: ids with the hash of the record that was first
	kept     string // %s: ids with the hashes of versions that were kept aside

	seal, sealPages string
	heads           string // %s, %d: heads of a log's seals at a page
}

func (cfg *Config) newStatements() statements {
	all := columnNames()
	clients := strings.Join(clientColumns, ", ")
	insert := func(table string, names []string, settings string) string {
		return cfg.prefixNames("INSERT INTO "+table+" ("+strings.Join(names, ", ")+")") + " SETTINGS " + cfg.insertSettings() + settings
	}
	return statements{
		insert:   insert("session_events", all, " FORMAT Native"),
		conflict: insert("session_conflicts", all, " FORMAT Native"),
		clients: insert("session_clients", slices.Concat(clientColumns, clientTimes), repeatSettings) +
			cfg.prefixNames(" SELECT "+clients+", min(time), max(time) FROM session_events FINAL WHERE kind = 'login' AND outcome = 'success' AND %s GROUP BY "+clients),
		stored:    cfg.prefixNames("SELECT record_id, argMax(content_hash, precedence) AS hash FROM session_events WHERE %s GROUP BY record_id"),
		kept:      cfg.prefixNames("SELECT record_id, content_hash AS hash FROM session_conflicts WHERE %s"),
		seal:      insert("session_seals", []string{"log", "first", "pages", "entries", "head", "edge"}, " FORMAT Native"),
		sealPages: insert("session_seal_pages", []string{"log", "first", "min_id", "max_id", "seed", "manifest", "texts"}, " FORMAT Native"),
		heads:     cfg.prefixNames("SELECT head AS text FROM session_seals WHERE log = %s AND first = %d"),
	}
}

// repeatSettings keep a cluster from asking each shard by itself, which would not have the ids that come along: also where the tables are
// Distributed and cluster is not configured.
const repeatSettings = ", parallel_distributed_insert_select = 0"

func columnNames() (all []string) {
	for _, c := range eventColumns {
		all = append(all, c.name)
	}
	return append(all, "content_hash")
}

// clientColumns and clientTimes are the columns of session_clients.
var (
	clientColumns = []string{
		"system", "instance", "driver", "client_name", "client_version", "os", "plugin", "auth_method", "auth_type", "interface", "tls_version",
	}
	clientTimes = []string{"first_seen", "last_seen"}
)

// insertSettings make an insert wait until the rows are stored, and keep the server's own guesses out of it: equal blocks are not left
// out (record ids decide what is a repetition), history of many months may come in one batch, and no row is looked for that another of the same
// batch replaces, since there is none.
func (cfg *Config) insertSettings() string {
	settings := []string{"async_insert = 0"}
	if cfg.AsyncInsert {
		settings = []string{"async_insert = 1", "wait_for_async_insert = 1"}
	}
	settings = append(settings, "insert_deduplicate = 0", "max_partitions_per_insert_block = 0", "optimize_on_insert = 0")
	if cfg.Cluster != "" {
		quorum := cfg.Quorum
		if quorum == quorumAuto {
			quorum = "'auto'"
		}
		settings = append(settings, "distributed_foreground_insert = 1", "insert_quorum = "+quorum, "insert_quorum_parallel = 1",
			fmt.Sprintf("insert_quorum_timeout = %d", cfg.ReadTimeout.Milliseconds()/2))
	}
	return strings.Join(settings, ", ")
}

func selectList() string {
	list := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		list[i] = "CAST(" + fmt.Sprintf(c.selects, c.name) + " AS Nullable(String)) AS " + textAlias(c.name)
	}
	return strings.Join(list, ", ")
}

// textAlias is another name than the column's, which the expressions use.
func textAlias(column string) string { return column + "_text" }
