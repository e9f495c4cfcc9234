package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/otel-sessionlog/sessionlog/config/configclickhouse"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// layout is what the log is made of right now: the table, those that upgrades renamed it to, and their columns.
type layout struct {
	parts []part
	names []string // of all columns without a place of their own, in order
}

// part is one table and the types of its columns.
type part struct {
	name    tableName
	columns map[string]string
}

var rotated = regexp.MustCompile(`^(.*)_(\d+)$`)

// readLayout asks the server. Only tables with columns that the account may see are there.
func readLayout(ctx context.Context, conn configclickhouse.Conn, table tableName, user string) (*layout, error) {
	where := "table = " + quoteText(table.table)
	if table.database == "system" {
		// An upgrade that changes the columns renames the table to …_0, or the next free number.
		where = "match(table, " + quoteText("^"+regexp.QuoteMeta(table.table)+"(_[0-9]+)?$") + ")"
	}
	var tables, columns, kinds proto.ColStr
	parts := map[string]part{}
	sql := "SELECT table, name, type FROM system.columns WHERE database = " + quoteText(table.database) + " AND " + where
	err := conn.Query(ctx, "", sql, proto.Results{{Name: "table", Data: &tables}, {Name: "name", Data: &columns}, {Name: "type", Data: &kinds}},
		func(rows int) error {
			for i := range rows {
				name := tables.Row(i)
				if _, ok := parts[name]; !ok {
					parts[name] = part{tableName{table.database, name}, map[string]string{}}
				}
				parts[name].columns[columns.Row(i)] = kinds.Row(i)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, explainAbsence(ctx, conn, table, user)
	}
	return newLayout(parts)
}

func newLayout(parts map[string]part) (*layout, error) {
	l := &layout{}
	extra := map[string]bool{}
	for _, name := range slices.SortedFunc(maps.Keys(parts), byNumber) {
		p := parts[name]
		if err := p.check(); err != nil {
			return nil, err
		}
		l.parts = append(l.parts, p)
		for column := range p.columns {
			extra[column] = true
		}
	}
	for _, t := range newBlock(tableName{}, nil).targets() {
		delete(extra, t.name)
	}
	for name := range extra {
		if !derived[name] {
			l.names = append(l.names, name)
		}
	}
	slices.Sort(l.names)
	return l, nil
}

// byNumber puts the oldest table first and the one in use last.
func byNumber(a, b string) int { return number(a) - number(b) }

func number(table string) int {
	if m := rotated.FindStringSubmatch(table); m != nil {
		if n, err := strconv.Atoi(m[2]); err == nil {
			return n
		}
	}
	return 1 << 30
}

// check makes sure that the table is a session_log.
func (p part) check() error {
	for _, t := range newBlock(p.name, nil).targets() {
		kind := p.columns[t.name]
		if t.required && kind == "" {
			return fmt.Errorf("table: %s has no column %s that this account may read, which a session_log has; "+
				"is it the right table, and is SELECT granted on all of its columns?", p.name, t.name)
		}
	}
	if kind := p.columns["type"]; !strings.Contains(kind, "Enum") && !strings.Contains(kind, "Int") {
		return fmt.Errorf("table: column type of %s is %s; it must be an Enum8 as in session_log, "+
			"LoginFailure = 0, LoginSuccess = 1, Logout = 2", p.name, kind)
	}
	return nil
}

// has gives the type of a column in the newest table that has it.
func (l *layout) has(column string) (kind string, ok bool) {
	for _, p := range slices.Backward(l.parts) {
		if kind, ok = p.columns[column]; ok {
			return kind, true
		}
	}
	return "", false
}

// explainAbsence tells a table that is not there from one that may not be read.
func explainAbsence(ctx context.Context, conn configclickhouse.Conn, table tableName, user string) error {
	err := conn.Query(ctx, "", "SELECT 1 FROM "+table.sql()+" LIMIT 0", proto.Results{{Data: &proto.ColUInt8{}}}, func(int) error { return nil })
	if err == nil {
		return fmt.Errorf("table: %s shows no columns in system.columns to this account; %s", table, grant(table, user))
	}
	return explain(err, table, user)
}

// explained is an error that says already what can be done about it.
type explained struct{ error }

func (e *explained) Unwrap() error { return e.error }

// explain adds to an error of the server what can be done about it.
func explain(err error, table tableName, user string) error {
	var done *explained
	switch {
	case errors.As(err, &done):
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable, configclickhouse.CodeUnknownDatabase):
		remedy := "create it, or correct the key table"
		if table.database == "system" {
			remedy = "the server writes it once <session_log> stands in its config.xml (it is commented out in the shipped one) " +
				"and somebody has logged in; it is read as soon as it is there"
		}
		return &poll.WaitError{Err: fmt.Errorf("table %s does not exist yet: %s", table, remedy)}
	case configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied):
		return &explained{fmt.Errorf("the account may not read %s: %s (%w)", table, grant(table, user), err)}
	case configclickhouse.RefusesLogin(err):
		return fmt.Errorf("the server refuses the login: check username and password, and the hosts the account may come from (%w)", err)
	}
	return err
}

func grant(table tableName, user string) string {
	if user == "" {
		user = "default"
	}
	return fmt.Sprintf("GRANT SELECT ON %s TO %s", table, user)
}

// addExtras makes room in a block for the columns without a place of their own.
func (l *layout) addExtras(b *block) {
	for _, name := range l.names {
		b.extra = append(b.extra, extraColumn{key: session.SourceField + name, data: &nullableText{}})
	}
}
