package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// templateTable is the partition whose columns and indexes every other gets, and whose rows no range holds.
const templateTable = "session_events_other"

// immediateIndexes are made with a partition: rows come nearly in their order, so that they grow at their end. The others are made at once
// where a partition is full or nobody is in a hurry: sorting all their keys costs a third of putting each into its place.
var immediateIndexes = []string{"_by_record_id", "_by_time", "_by_failure_time"}

type tableIndex struct{ name, sql string }

// templateIndexes are those that every partition is to have: somebody may have added one.
func (cfg *Config) templateIndexes(conn *sqlite.Conn) (all []tableIndex, err error) {
	err = sqlitex.Execute(conn, "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL ORDER BY rowid", &sqlitex.ExecOptions{
		Args: []any{cfg.prefixNames(templateTable)},
		ResultFunc: func(stmt *sqlite.Stmt) error {
			all = append(all, tableIndex{stmt.ColumnText(0), stmt.ColumnText(1)})
			return nil
		},
	})
	return all, err
}

// on is the name and the SQL of this index on a partition.
func (x tableIndex) on(template, table string) tableIndex {
	name := strings.Replace(x.name, template, table, 1)
	if name == x.name {
		name = table + "_" + x.name
	}
	create := "CREATE INDEX "
	if strings.HasPrefix(strings.ToUpper(x.sql), "CREATE UNIQUE") {
		create = "CREATE UNIQUE INDEX "
	}
	return tableIndex{name, create + `"` + name + `" ON ` + table + " " + x.sql[strings.IndexByte(x.sql, '('):]}
}

func (x tableIndex) isImmediate() bool {
	for _, suffix := range immediateIndexes {
		if strings.HasSuffix(x.name, suffix) {
			return true
		}
	}
	return false
}

func sessionKeyIndex(table string) tableIndex {
	// Such keys are random: the template has none, and a partition that grows does without.
	name := table + "_by_session_key"
	return tableIndex{name, "CREATE INDEX " + name + " ON " + table + " (session_key) WHERE session_key IS NOT NULL"}
}

func namesOfIndexes(conn *sqlite.Conn, table string) (there map[string]bool, err error) {
	there = map[string]bool{}
	err = sqlitex.Execute(conn, "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?", &sqlitex.ExecOptions{
		Args:       []any{table},
		ResultFunc: func(stmt *sqlite.Stmt) error { there[stmt.ColumnText(0)] = true; return nil },
	})
	return there, err
}

func (cfg *Config) missingIndexes(conn *sqlite.Conn, table string) (missing []tableIndex, err error) {
	there, err := namesOfIndexes(conn, table)
	if err != nil {
		return nil, err
	}
	wanted, err := cfg.templateIndexes(conn)
	for _, x := range wanted {
		if x = x.on(cfg.prefixNames(templateTable), table); !there[x.name] {
			missing = append(missing, x)
		}
	}
	return missing, err
}

// createPartition makes a table like the template, with the indexes that cost little, and notes its range.
func (cfg *Config) createPartition(conn *sqlite.Conn, table string, low int64) error {
	template := cfg.prefixNames(templateTable)
	sql, err := queryText(conn, "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", template)
	if err != nil {
		return err
	}
	script := "CREATE TABLE " + table + " " + sql[strings.IndexByte(sql, '('):] + ";\n"
	wanted, err := cfg.templateIndexes(conn)
	if err != nil {
		return err
	}
	for _, x := range wanted {
		if x.isImmediate() {
			script += x.on(template, table).sql + ";\n"
		}
	}
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		return fmt.Errorf("making table %s: %w", table, err)
	}
	return cfg.writeRange(conn, table, low)
}

func (cfg *Config) writeRange(conn *sqlite.Conn, table string, low int64) error {
	return sqlitex.Execute(conn, cfg.prefixNames("INSERT INTO sessionlog_partitions VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET low = excluded.low"),
		&sqlitex.ExecOptions{Args: []any{table, low}})
}

// dropPartition drops a table and its range: the one below reaches further up then, and where there is none, the next begins at 0.
func (cfg *Config) dropPartition(conn *sqlite.Conn, p *rangePartition) error {
	p.release()
	catalogue := cfg.prefixNames("sessionlog_partitions")
	for _, sql := range []string{
		"DELETE FROM " + catalogue + " WHERE name = '" + p.table + "'",
		"UPDATE " + catalogue + " SET low = 0 WHERE low = (SELECT min(low) FROM " + catalogue + ")",
		"DROP VIEW IF EXISTS " + cfg.prefixNames("session_events"),
		"DROP TABLE " + p.table,
	} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return err
		}
	}
	return nil
}

func (cfg *Config) newPartitionName(conn *sqlite.Conn, all *partitionCatalog) (string, error) {
	stem, highest := cfg.prefixNames("session_events")+"_", 0
	for _, p := range all.ranges {
		if n, err := strconv.Atoi(strings.TrimPrefix(p.table, stem)); err == nil {
			highest = max(highest, n)
		}
	}
	for {
		highest++
		name := stem + strconv.Itoa(highest)
		taken, err := queryText(conn, "SELECT name FROM sqlite_schema WHERE name = ? COLLATE NOCASE", name)
		if err != nil || taken == "" {
			return name, err
		}
	}
}

// eventsView is the text of the view over all partitions, and of the trigger that lets DELETE go through it.
func (cfg *Config) eventsView(tables []string) (view, trigger string) {
	name := cfg.prefixNames("session_events")
	view = "CREATE VIEW " + name + " AS\nSELECT * FROM " + strings.Join(tables, " UNION ALL\nSELECT * FROM ")
	trigger = "CREATE TRIGGER " + name + "_delete INSTEAD OF DELETE ON " + name + " BEGIN\n"
	for _, table := range tables {
		trigger += "DELETE FROM " + table + " WHERE arrival = OLD.arrival;\n"
	}
	return view, trigger + "END"
}

// forgetTrigger has the summary counted anew when somebody deletes rows by hand.
const forgetTrigger = `CREATE TRIGGER session_events_forget INSTEAD OF DELETE ON session_events BEGIN
DELETE FROM sessionlog_pairs;
DELETE FROM sessionlog_hours;
UPDATE sessionlog_settings SET value = 0 WHERE name = 'summed_up_to' AND value <> 0;
END`

func (cfg *Config) makeEventsView(conn *sqlite.Conn) error {
	all, err := cfg.readPartitions(conn, nil)
	if err != nil {
		return err
	}
	view, trigger := cfg.eventsView(all.tables())
	if err := sqlitex.ExecuteTransient(conn, cfg.prefixNames("DROP VIEW IF EXISTS session_events"), nil); err != nil {
		return err
	}
	for _, sql := range []string{view, trigger, cfg.prefixNames(forgetTrigger)} {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			return fmt.Errorf("view session_events: %w", err)
		}
	}
	return nil
}

func (cfg *Config) repairEventsView(ctx context.Context, conn *sqlite.Conn) error {
	same, err := cfg.isEventsViewCurrent(conn)
	if err != nil || same {
		return cfg.explainError("reading the schema", err)
	}
	// Somebody has restored or changed something by hand.
	return cfg.inTransaction(ctx, conn, "making views", func() error { return cfg.makeEventsView(conn) })
}

func (cfg *Config) isEventsViewCurrent(conn *sqlite.Conn) (bool, error) {
	all, err := cfg.readPartitions(conn, nil)
	if err != nil {
		return false, err
	}
	view, trigger := cfg.eventsView(all.tables())
	const byName = "SELECT sql FROM sqlite_schema WHERE name = ?"
	isView, err := queryText(conn, byName, cfg.prefixNames("session_events"))
	if err != nil {
		return false, err
	}
	isTrigger, err := queryText(conn, byName, cfg.prefixNames("session_events_delete"))
	if err != nil {
		return false, err
	}
	forgets, err := queryText(conn, byName, cfg.prefixNames("session_events_forget"))
	return isView == view && isTrigger == trigger && forgets == cfg.prefixNames(forgetTrigger), err
}

// queryText runs a query for one text, "" where there is none.
func queryText(conn *sqlite.Conn, sql string, args ...any) (text string, err error) {
	err = sqlitex.ExecuteTransient(conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: func(stmt *sqlite.Stmt) error {
		text = stmt.ColumnText(0)
		return nil
	}})
	return text, err
}
