package rows

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// Log says which log is read, and what errors about it name.
type Log struct {
	Table TableName
	// Cluster is the one of which whichever server answers asks all servers; "" where the server that answers is read alone.
	Cluster string
	// Database and Username are those of the connection.
	Database, Username string
}

// Layout is what the log is made of right now.
type Layout struct {
	// Parts are the table and those that upgrades renamed it to, the oldest first.
	Parts   []TablePart
	extra   []string // all columns that clickhouselog.Row has no field for, in order
	cluster string   // as in Log
}

// TablePart is one table and the types of its columns.
type TablePart struct {
	Name    TableName
	Columns map[string]string
	from    string // what follows FROM
	// approximate: types differ from server to server, Columns has those of any of them.
	approximate bool
}

// ReadLayout asks the server. Only tables with columns that the account may see are there.
func (l Log) ReadLayout(ctx context.Context, conn configclickhouse.Conn) (layout *Layout, answeredBy string, err error) {
	if l.Cluster != "" {
		return l.readClusterLayout(ctx, conn)
	}
	var server uuid.UUID
	var table, column, kind string
	found := map[string]TablePart{}
	sql := "SELECT table, name, type, " + ServerSQL + " AS u FROM system.columns WHERE database = " + configclickhouse.QuoteText(l.Table.Database) +
		" AND match(table, " + l.Table.tablePattern() + ")"
	err = EachRow(ctx, conn, sql, func() {
		answeredBy = server.String()
		name := TableName{l.Table.Database, table}
		if _, ok := found[table]; !ok {
			found[table] = TablePart{Name: name, Columns: map[string]string{}, from: name.SQL()}
		}
		found[table].Columns[column] = kind
	}, &table, &column, &kind, &server)
	if err == nil && len(found) == 0 {
		err = l.ExplainAbsence(ctx, conn)
	}
	if err != nil {
		return nil, answeredBy, err
	}
	layout, err = newLayout(slices.SortedFunc(maps.Values(found), func(a, b TablePart) int { return a.renameNumber() - b.renameNumber() }))
	return layout, answeredBy, err
}

func (l Log) readClusterLayout(ctx context.Context, conn configclickhouse.Conn) (layout *Layout, answeredBy string, err error) {
	database := configclickhouse.QuoteText(l.Table.Database)
	each := "SELECT DISTINCT name, type, toString(serverUUID()) || hostName() AS node FROM system.columns WHERE database = " + database +
		" AND match(table, " + l.Table.tablePattern() + ")"
	sql := "SELECT name, any(type) AS type, uniqExact(node) AS n, " + ServerSQL + " AS u FROM (SELECT * FROM " + OnEveryServer(l.Cluster, each) +
		") GROUP BY name ORDER BY n DESC" + SkipAbsentServers
	var server uuid.UUID
	var name, kind string
	var nodes, most uint64
	columns := map[string]string{}
	err = EachRow(ctx, conn, sql, func() {
		answeredBy, most = server.String(), max(most, nodes)
		if nodes == most { // what one server lacks, as during an upgrade, is not asked for
			columns[name] = kind
		}
	}, &name, &kind, &nodes, &server)
	if err == nil && most == 0 {
		err = l.ExplainAbsence(ctx, conn)
	}
	if err != nil {
		return nil, answeredBy, err
	}
	merged := "merge(" + database + ", " + l.Table.tablePattern() + ")"
	if layout, err = newLayout([]TablePart{{Name: l.Table, Columns: columns, from: merged, approximate: true}}); err != nil {
		return nil, answeredBy, err
	}
	layout.cluster = l.Cluster
	return layout, answeredBy, nil
}

func newLayout(parts []TablePart) (*Layout, error) {
	extra := map[string]bool{}
	for _, p := range parts {
		if err := p.checkColumns(); err != nil {
			return nil, err
		}
		for name := range p.Columns {
			extra[name] = true
		}
	}
	for _, c := range newBlock().rowColumns() {
		delete(extra, c.name)
	}
	for _, repeats := range []string{"event_date", "event_time"} { // what event_time_microseconds says
		delete(extra, repeats)
	}
	return &Layout{Parts: parts, extra: slices.Sorted(maps.Keys(extra))}, nil
}

var renamedTable = regexp.MustCompile(`_(\d+)$`)

// renameNumber is that of a renamed table. The one in use has none and comes last.
func (p TablePart) renameNumber() int {
	if m := renamedTable.FindStringSubmatch(p.Name.Table); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return 1 << 30
}

func (p TablePart) checkColumns() error {
	for _, name := range []string{"event_time_microseconds", "auth_id", "type"} {
		if p.Columns[name] == "" {
			return fmt.Errorf("table: %s has no column %s that this account may read, which a session_log has; "+
				"is it the right table, and is SELECT granted on all of its columns?", p.Name, name)
		}
	}
	if kind := p.Columns["type"]; !strings.Contains(kind, "Enum") && !strings.Contains(kind, "Int") {
		return fmt.Errorf("table: column type of %s is %s; it must be an Enum8 as in session_log, "+
			"LoginFailure = 0, LoginSuccess = 1, Logout = 2", p.Name, kind)
	}
	return nil
}

// ColumnType is the type of a column in the newest table that has it, or "".
func (l *Layout) ColumnType(column string) string {
	for _, p := range slices.Backward(l.Parts) {
		if kind := p.Columns[column]; kind != "" {
			return kind
		}
	}
	return ""
}

// HasSortingKey reports whether the sorting key of a real session_log, (event_date, event_time), is there.
func (p TablePart) HasSortingKey() bool {
	return p.Columns["event_date"] == "Date" && strings.HasPrefix(p.Columns["event_time"], "DateTime") &&
		!strings.HasPrefix(p.Columns["event_time"], "DateTime64")
}

// CheckReadable reads no more than one row's time of each part.
func (l *Layout) CheckReadable(ctx context.Context, conn configclickhouse.Conn) error {
	for _, p := range l.Parts {
		from := p.from
		if l.cluster != "" {
			from = OnEveryServer(l.cluster, "SELECT event_time_microseconds FROM "+from)
		}
		var n uint64
		sql := "SELECT count() FROM (SELECT event_time_microseconds FROM " + from + " LIMIT 1)"
		if err := EachRow(ctx, conn, sql, func() {}, &n); err != nil {
			return err
		}
	}
	return nil
}
