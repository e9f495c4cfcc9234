package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"
)

type writeStatements struct {
	conflict *rowBinder
	forget   *sqlite.Stmt
}

func (cfg *Config) prepareStatements(conn *sqlite.Conn) (*writeStatements, error) {
	var st writeStatements
	for _, p := range []struct {
		sql string
		set func(*sqlite.Stmt)
	}{
		{insertConflictSQL(cfg.prefixNames("session_conflicts")), func(s *sqlite.Stmt) { st.conflict = newRowBinder(s) }},
		{expireSQL(cfg.prefixNames("session_conflicts")), func(s *sqlite.Stmt) { st.forget = s }},
	} {
		stmt, err := conn.Prepare(p.sql)
		if err != nil {
			return nil, err
		}
		p.set(stmt)
	}
	return &st, nil
}

func insertConflictSQL(table string) string {
	return "INSERT INTO " + table + " (content_hash, " + columnNames() + ") VALUES (?" + strings.Repeat(", ?", len(eventColumns)) + ") ON CONFLICT DO NOTHING"
}

func insertPartitionSQL(table string) string {
	// That two rows claim one arrival is an error, not a record that is known.
	return "INSERT INTO " + table + " (content_hash, " + columnNames() + ", arrival) VALUES (?" + strings.Repeat(", ?", len(eventColumns)+1) +
		") ON CONFLICT (record_id) DO NOTHING"
}

func columnNames() string {
	names := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// expireSQL deletes a slice of what is older than parameter 1; parameter 2 is the size of the slice.
func expireSQL(table string) string {
	return "DELETE FROM " + table + " WHERE arrival IN (SELECT arrival FROM " + table + " WHERE time < ? ORDER BY time LIMIT ?)"
}
