package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"
)

// statements are what the writer needs, prepared once a connection.
type statements struct {
	insert     *rowBinder
	conflict   *rowBinder
	storedHash *sqlite.Stmt // parameter 1: record id
	expire     *sqlite.Stmt
	forget     *sqlite.Stmt
}

func (cfg *Config) prepareStatements(conn *sqlite.Conn) (*statements, error) {
	var st statements
	for _, p := range []struct {
		sql string
		set func(*sqlite.Stmt)
	}{
		{cfg.insertSQL("session_events"), func(s *sqlite.Stmt) { st.insert = newRowBinder(s) }},
		{cfg.insertSQL("session_conflicts"), func(s *sqlite.Stmt) { st.conflict = newRowBinder(s) }},
		{cfg.prefixNames("SELECT content_hash FROM session_events WHERE record_id = ?"), func(s *sqlite.Stmt) { st.storedHash = s }},
		{cfg.expireSQL("session_events"), func(s *sqlite.Stmt) { st.expire = s }},
		{cfg.expireSQL("session_conflicts"), func(s *sqlite.Stmt) { st.forget = s }},
	} {
		stmt, err := conn.Prepare(p.sql)
		if err != nil {
			return nil, err
		}
		p.set(stmt)
	}
	return &st, nil
}

// insertSQL has one parameter for the content hash, then one for each of columns.
func (cfg *Config) insertSQL(table string) string {
	return cfg.prefixNames("INSERT INTO "+table) + " (content_hash, " + columnNames() + ") VALUES (?" + strings.Repeat(", ?", len(eventColumns)) + ") ON CONFLICT DO NOTHING"
}

func columnNames() string {
	names := make([]string, len(eventColumns))
	for i, c := range eventColumns {
		names[i] = c.name
	}
	return strings.Join(names, ", ")
}

// expireSQL deletes a slice of what is older than parameter 1; parameter 2 is the size of the slice.
func (cfg *Config) expireSQL(table string) string {
	return cfg.prefixNames("DELETE FROM " + table + " WHERE arrival IN (SELECT arrival FROM " + table + " WHERE time < ? ORDER BY time LIMIT ?)")
}
