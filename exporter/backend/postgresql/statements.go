package postgresql

import (
	"fmt"
	"regexp"
	"strings"
)

// staging is a temporary table of each connection: the batch as it came, with its order.
const staging = "sessionlog_staging"

// statements are all that a writer runs, made once from columns.
type statements struct {
	direct    string // COPY into session_events
	begin     string // of a transaction with a staging table
	stage     string // COPY into the staging table
	insert    string // the new records; says how many
	differing string // the stored records, of whose id there is a staged one that differs in some column
	clear     string // empties the staging table
	keep      string // keeps what was staged aside, each version once
	selects   string // every column as text, from session_events
}

func (cfg *Config) statements() statements {
	names := columnNames()
	return cfg.nameAll(statements{
		direct: "COPY session_events (" + names + ") FROM STDIN (FORMAT binary)",
		// A pooler may have put another session beneath us since the last transaction.
		begin: "BEGIN;\nCREATE TEMP TABLE IF NOT EXISTS " + staging + " (LIKE session_events) ON COMMIT DELETE ROWS",
		stage: "COPY " + staging + " (" + names + ") FROM STDIN (FORMAT binary)",
		// Two writers that insert the same ids in the same order wait for one another and never both. Of a table that is only
		// appended to, ctid is the order in which the rows came.
		insert: "INSERT INTO session_events (" + names + ")\nSELECT " + names + "\nFROM " + staging + "\n" +
			"ORDER BY record_id, ctid\nON CONFLICT (record_id) DO NOTHING",
		differing: differingSQL(),
		clear:     "DELETE FROM " + staging,
		// The lock lets one writer at a time keep versions aside, so that each is kept once.
		keep:    "SELECT " + advisoryLock("session_conflicts") + ";\n" + keepSQL(),
		selects: "SELECT " + selectList("e") + " FROM session_events e",
	})
}

func (cfg *Config) nameAll(st statements) statements {
	for _, s := range []*string{&st.direct, &st.begin, &st.stage, &st.insert, &st.differing, &st.clear, &st.keep, &st.selects} {
		*s = cfg.named(*s)
	}
	return st
}

// advisoryLock waits until this transaction alone may do what the table is about. The second key is the table's oid, so that
// several schemas of one database do not wait for each other.
func advisoryLock(table string) string {
	return "pg_advisory_xact_lock(" + advisoryKey + ", '" + table + "'::regclass::oid::bigint::bit(32)::integer)"
}

// advisoryKey is the first key of our advisory locks: "sess" in ASCII.
const advisoryKey = "1936028531"

// ourNames are the names that table_prefix stands before; those of indexes and partitions begin like their table's.
var ourNames = regexp.MustCompile(
	`\b(session_events|session_conflicts|session_log|stl_connection_log|sys_connection_log|sessions|sessionlog_settings|sessionlog_migrations)` +
		`(_default|_by_\w+|_[0-9]{4}_[0-9]{2})?\b`)

// named gives our names in sql their prefix.
func (cfg *Config) named(sql string) string {
	if cfg.TablePrefix == "" {
		return sql
	}
	return ourNames.ReplaceAllString(sql, cfg.TablePrefix+"$0")
}

// differingSQL joins what was staged with what is stored: a record that was just inserted equals itself. It only picks out
// who is to be looked at: whether two of them are two versions is for session.Event.SameContent to say.
func differingSQL() string {
	return "SELECT " + selectList("e") + "\nFROM " + staging + " s JOIN session_events e ON e.record_id = s.record_id\nWHERE " + distinct("s", "e")
}

func keepSQL() string {
	names := columnNames()
	return "INSERT INTO session_conflicts (" + names + ")\nSELECT s." + strings.ReplaceAll(names, ", ", ", s.") + "\nFROM (\n" +
		"    SELECT s.*, row_number() OVER (PARTITION BY " + strings.Join(contentColumns("s"), ", ") + "\n        ORDER BY s.ctid) AS version\n" +
		"    FROM " + staging + " s JOIN session_events e ON e.record_id = s.record_id\n    WHERE " + distinct("s", "e") + "\n) s\n" +
		"LEFT JOIN session_conflicts c ON c.record_id = s.record_id AND NOT (" + distinct("c", "s") + ")\n" +
		"WHERE s.version = 1 AND c.record_id IS NULL"
}

// distinct tells whether two rows differ in a column of their content.
func distinct(a, b string) string {
	return "ROW(" + strings.Join(contentColumns(a), ", ") + ")\nIS DISTINCT FROM ROW(" + strings.Join(contentColumns(b), ", ") + ")"
}

// contentColumns are the columns in which two readings of one event agree.
func contentColumns(table string) (names []string) {
	for _, c := range columns {
		if !c.ofReading && c.selects != "" { // time_ns says what time says, and more
			names = append(names, table+"."+c.name)
		}
	}
	return names
}

func columnNames() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// selectList gives every column as text that row reads; what nobody reads is NULL.
func selectList(table string) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = "NULL"
		if c.selects != "" {
			list[i] = fmt.Sprintf(c.selects, table+"."+c.name)
		}
	}
	return strings.Join(list, ", ")
}
