package clickhouse

import (
	"fmt"
	"strings"
)

// statements are all that a writer runs, made once from columns.
type statements struct {
	insert string // the new records
	feed   string // records that came again, into the states of sessions
	keep   string // versions, into session_conflicts
	known  string // asks for ids; the condition follows
	stored string // asks for whole events; the condition follows
	kept   string // asks for versions that were kept; the condition follows
}

func (cfg *Config) statements() statements {
	insert := func(table string, names []string) string {
		return cfg.named(fmt.Sprintf("INSERT INTO %s (%s) SETTINGS %s FORMAT Native", table, strings.Join(names, ", "), cfg.insertSettings()))
	}
	all, fed := columnNames()
	return statements{
		insert: insert("session_events", all),
		feed:   insert("session_feed", fed),
		keep:   insert("session_conflicts", append(all, "content_hash")),
		known:  cfg.named("SELECT DISTINCT record_id FROM session_events"),
		stored: cfg.named("SELECT " + selectList() + " FROM session_events FINAL"),
		kept:   cfg.named("SELECT DISTINCT record_id, content_hash FROM session_conflicts"),
	}
}

func columnNames() (all, fed []string) {
	for _, c := range columns {
		all = append(all, c.name)
		if c.fed {
			fed = append(fed, c.name)
		}
	}
	return all, fed
}

// insertSettings make an insert wait until the rows are stored, and keep the server's own guesses out of it: equal blocks are not left
// out (record ids decide what is a repetition), and history of many months may come in one batch.
func (cfg *Config) insertSettings() string {
	settings := []string{"async_insert = 0"}
	if cfg.AsyncInsert {
		settings = []string{"async_insert = 1", "wait_for_async_insert = 1"}
	}
	settings = append(settings, "insert_deduplicate = 0", "max_partitions_per_insert_block = 0")
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

// alias is the name of the n-th expression that a column is read from.
func (c *column) alias(n int) string { return fmt.Sprintf("%s_%d", c.name, n) }

func selectList() string {
	var list []string
	for _, c := range columns {
		selects := c.selects
		if len(selects) == 0 {
			selects = []string{c.name}
		}
		for i, expression := range selects {
			list = append(list, expression+" AS "+c.alias(i))
		}
	}
	return strings.Join(list, ", ")
}
