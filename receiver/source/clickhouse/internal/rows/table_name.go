// Package rows asks ClickHouse servers for the rows of system.session_log, or of a table of its shape, and for sums of them.
package rows

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
)

// TableName is a table's name in its parts.
type TableName struct{ Database, Table string }

// ParseTableName reads database.table.
func ParseTableName(text string) (TableName, error) {
	database, table, ok := strings.Cut(text, ".")
	if !ok || database == "" || table == "" || strings.ContainsAny(text, "`'\"\\() ;\n") {
		return TableName{}, fmt.Errorf("table: %q is not database.table, such as system.session_log", text)
	}
	return TableName{database, table}, nil
}

func (t TableName) String() string { return t.Database + "." + t.Table }

// SQL is the name as a query has it.
func (t TableName) SQL() string {
	return configclickhouse.QuoteIdentifier(t.Database) + "." + configclickhouse.QuoteIdentifier(t.Table)
}

// tablePattern finds the table and, of a system table, those that upgrades have renamed it to: a change of the columns makes …_0, or the
// next free number.
func (t TableName) tablePattern() string {
	suffix := ""
	if t.Database == "system" {
		suffix = "(_[0-9]+)?"
	}
	return configclickhouse.QuoteText("^" + regexp.QuoteMeta(t.Table) + suffix + "$")
}
