package clickhouse

import (
	"fmt"
	"regexp"
	"strings"
)

// writeStatements are all that a writer runs, made once from columns. %s is a condition on record_id.
type writeStatements struct {
	insert   string   // the new records
	conflict string   // versions, into session_conflicts
	stored   string   // %s: ids with the hash of the record that was first
	kept     string   // %s: ids with the hashes of versions that were kept aside
	derived  []string // %s: what stored records say, into each derived table, once more

	seal, sealPages string
	heads           string // %s, %d: heads of a log's seals at a page
	ends            string // %s, %d, %[3]d: these, and an empty text where a seal ends at the page, which begins at another one or after it
}

func (cfg *Config) newStatements() writeStatements {
	all := columnNames()
	insert := func(table string, names []string, settings string) string {
		return cfg.prefixNames("INSERT INTO "+table+" ("+strings.Join(names, ", ")+")") + " SETTINGS " + cfg.insertSettings() + settings
	}
	var derived []string
	for _, table := range derivedTables {
		query := strings.Replace(table.query, "FROM session_events\nWHERE ", "FROM session_events FINAL\nWHERE %s AND ", 1)
		derived = append(derived, insert(table.name, table.columns, repeatSettings)+" "+cfg.prefixNames(query))
	}
	return writeStatements{
		derived:   derived,
		insert:    insert("session_events", all, " FORMAT Native"),
		conflict:  insert("session_conflicts", all, " FORMAT Native"),
		stored:    cfg.prefixNames("SELECT record_id, argMax(content_hash, precedence) AS hash FROM session_events WHERE %s GROUP BY record_id"),
		kept:      cfg.prefixNames("SELECT record_id, content_hash AS hash FROM session_conflicts WHERE %s"),
		seal:      insert("session_seals", []string{"log", "first", "pages", "entries", "head", "edge"}, " FORMAT Native"),
		sealPages: insert("session_seal_pages", []string{"log", "first", "min_id", "max_id", "seed", "manifest", "texts"}, " FORMAT Native"),
		heads:     cfg.prefixNames("SELECT head AS text FROM session_seals WHERE log = %s AND first = %d"),
		ends:      cfg.prefixNames("SELECT if(first = %[3]d, head, '') AS text FROM session_seals WHERE log = %[1]s AND first >= %[2]d AND first <= %[3]d AND (first = %[3]d OR first + pages = %[3]d)"),
	}
}

// derivedTable is what a materialized view keeps of session_events.
type derivedTable struct {
	name, query string
	columns     []string
}

var (
	derivingView = regexp.MustCompile(`(?m)^CREATE MATERIALIZED VIEW IF NOT EXISTS \w+ TO (\w+) AS\n([^;]+);$`)
	viewColumn   = regexp.MustCompile(`(\w+)(?:,\s|$)`)

	derivedTables = findDerivedTables()
)

func findDerivedTables() (all []derivedTable) {
	for _, f := range allMigrations {
		for _, view := range derivingView.FindAllStringSubmatch(f.SQL, -1) {
			table := derivedTable{name: view[1], query: view[2]}
			list, _, _ := strings.Cut(view[2], "\nFROM")
			for _, column := range viewColumn.FindAllStringSubmatch(list, -1) {
				table.columns = append(table.columns, column[1])
			}
			all = append(all, table)
		}
	}
	return all
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

func (cfg *Config) insertSettings() string {
	settings := []string{"async_insert = 0"}
	if cfg.AsyncInsert {
		settings = []string{"async_insert = 1", "wait_for_async_insert = 1"}
	}
	// Record ids decide what is a repetition, history of many months may come in one batch, and no row replaces another of its batch.
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
		list[i] = fmt.Sprintf(c.selects, c.name) + " AS " + textAlias(c.name)
	}
	return strings.Join(list, ", ")
}

// textAlias is another name than the column's, which the expressions use.
func textAlias(column string) string { return column + "_text" }
