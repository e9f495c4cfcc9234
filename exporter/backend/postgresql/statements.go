package postgresql

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	// stagingTable is a temporary table of each connection: the batch as it came.
	stagingTable = "sessionlog_staged"
	// stagedPlace is a column of it, the order in which the rows came. Where they lie says nothing of it: the server puts a small row where an earlier page has
	// room left.
	stagedPlace = "sessionlog_place"
)

type writeStatements struct {
	events    string // the table
	begin     string // of a transaction with a staging table
	insert    string // the new records; says which
	keep      string // keeps aside what was staged and differs from the record of its id; says in each row how many there are, and one that was not there
	uncounted string // ranges of new ids follow
}

func (cfg *Config) newStatements() writeStatements {
	names := columnNames()
	return writeStatements{
		events: cfg.prefixNames("session_events"),
		// A pooler may have put another session beneath us since the last transaction.
		begin: cfg.prefixNames("BEGIN;\nCREATE TEMP TABLE IF NOT EXISTS " + stagingTable + " (LIKE session_events, " + stagedPlace + " bigserial) ON COMMIT DELETE ROWS"),
		// Two writers that insert the same ids in the same order wait for one another and never both.
		insert: cfg.prefixNames("INSERT INTO session_events (" + names + ")\nSELECT " + names + "\nFROM " + stagingTable + "\n" +
			"ORDER BY record_id, " + stagedPlace + "\nON CONFLICT (record_id) DO NOTHING\nRETURNING record_id"),
		keep: cfg.prefixNames("WITH differing AS (\n    SELECT s.* FROM " + stagingTable + " s JOIN session_events e ON e.record_id = s.record_id\n" +
			"    WHERE e.content_hash <> s.content_hash\n), kept AS (\n    INSERT INTO session_conflicts (" + names + ")\n    SELECT " + names +
			"\n    FROM differing ORDER BY record_id, content_hash, " + stagedPlace + "\n    ON CONFLICT DO NOTHING\n    RETURNING record_id, content_hash\n)\n" +
			"SELECT (SELECT count(*) FROM differing), k.record_id, encode(k.content_hash, 'hex') FROM (SELECT 1) AS one LEFT JOIN kept AS k ON true"),
		uncounted: cfg.prefixNames("INSERT INTO session_uncounted VALUES "),
	}
}

// lockOfPartitions is "sess" in ASCII, and the table's oid, so that several schemas of one database do not wait for each other.
const lockOfPartitions = "pg_advisory_xact_lock(1936028531, 'session_events'::regclass::oid::bigint::bit(32)::integer)"

// ourNames are the names that table_prefix precedes; those of indexes and partitions begin like their table's.
var ourNames = regexp.MustCompile(
	`\b(session_events|session_conflicts|session_log|stl_connection_log|sys_connection_log|sessions|sessionlog_settings|sessionlog_migrations|session_seals|session_seal_pages|session_hours|session_pairs|session_uncounted)` +
		`(_default|_by_\w+|_[0-9]{4}_[0-9]{2})?\b`)

func (cfg *Config) prefixNames(sql string) string {
	if cfg.TablePrefix == "" {
		return sql
	}
	return ourNames.ReplaceAllString(sql, cfg.TablePrefix+"$0")
}

func columnNames() string {
	var names strings.Builder
	for _, c := range eventColumns {
		names.WriteString(c.name + ", ")
	}
	return names.String() + "content_hash"
}

func selectList() string {
	list := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		list[i] = "NULL"
		if c.selects != "" {
			list[i] = fmt.Sprintf(c.selects, c.name)
		}
	}
	return strings.Join(list, ", ")
}
