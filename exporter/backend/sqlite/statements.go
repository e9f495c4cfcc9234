package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"
)

// statements are what the writer needs, prepared once a connection.
type statements struct {
	insert   *binder
	conflict *binder
	stored   row // parameter 1: record id
	expire   *sqlite.Stmt
	forget   *sqlite.Stmt
}

func (cfg *Config) prepare(conn *sqlite.Conn) (*statements, error) {
	var st statements
	for _, p := range []struct {
		sql string
		set func(*sqlite.Stmt)
	}{
		{cfg.insertSQL("session_events", ""), func(s *sqlite.Stmt) { st.insert = newBinder(s, 1) }},
		{cfg.insertSQL("session_conflicts", "content_hash"), func(s *sqlite.Stmt) { st.conflict = newBinder(s, 2) }},
		{cfg.selectSQL() + " WHERE record_id = ?", func(s *sqlite.Stmt) { st.stored = row{stmt: s} }},
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

// insertSQL has one parameter for each of the columns that come first, then one for each of columns.
func (cfg *Config) insertSQL(table string, first ...string) string {
	var names []string
	for _, name := range first {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, c := range columns {
		names = append(names, c.name)
	}
	return cfg.named("INSERT INTO "+table) + " (" + strings.Join(names, ", ") + ") VALUES (?" +
		strings.Repeat(", ?", len(names)-1) + ") ON CONFLICT DO NOTHING"
}

func (cfg *Config) selectSQL() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return "SELECT " + strings.Join(names, ", ") + cfg.named(" FROM session_events")
}

// expireSQL deletes a slice of what is older than parameter 1; parameter 2 is the size of the slice.
func (cfg *Config) expireSQL(table string) string {
	return cfg.named("DELETE FROM " + table + " WHERE arrival IN (SELECT arrival FROM " + table + " WHERE time < ? ORDER BY time LIMIT ?)")
}
