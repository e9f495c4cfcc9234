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
	parts   []part
	names   []string // of all columns without a place of their own, in order
	cluster string   // whose replicas are asked for their parts; "" for the server itself
}

// part is one table and the types of its columns.
type part struct {
	name    tableName
	columns map[string]string
	merged  string // the table function in place of the name, of which types are not known for certain
}

// from is what stands behind FROM.
func (p part) from() string {
	if p.merged != "" {
		return p.merged
	}
	return p.name.sql()
}

var rotated = regexp.MustCompile(`^(.*)_(\d+)$`)

// readLayout asks the server. Only tables with columns that the account may see are there.
func readLayout(ctx context.Context, conn configclickhouse.Conn, table tableName, cfg Config) (*layout, error) {
	where := "match(table, " + configclickhouse.QuoteText(table.pattern()) + ")"
	var tables, columns, kinds proto.ColStr
	parts := map[string]part{}
	sql := "SELECT table, name, type FROM system.columns WHERE database = " + configclickhouse.QuoteText(table.database) + " AND " + where
	err := conn.Query(ctx, "", sql, proto.Results{{Name: "table", Data: &tables}, {Name: "name", Data: &columns}, {Name: "type", Data: &kinds}},
		func(rows int) error {
			for i := range rows {
				name := tables.Row(i)
				if _, ok := parts[name]; !ok {
					parts[name] = part{name: tableName{table.database, name}, columns: map[string]string{}}
				}
				parts[name].columns[columns.Row(i)] = kinds.Row(i)
			}
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, explainAbsence(ctx, conn, table, cfg)
	}
	return newLayout(parts)
}

// pattern finds the table and, of a system table, those that upgrades have renamed it to: a change of the columns makes …_0, or the
// next free number.
func (t tableName) pattern() string {
	if t.database == "system" {
		return "^" + regexp.QuoteMeta(t.table) + "(_[0-9]+)?$"
	}
	return "^" + regexp.QuoteMeta(t.table) + "$"
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
func explainAbsence(ctx context.Context, conn configclickhouse.Conn, table tableName, cfg Config) error {
	err := conn.Query(ctx, "", "SELECT 1 FROM "+table.sql()+" LIMIT 0", proto.Results{{Data: &proto.ColUInt8{}}}, func(int) error { return nil })
	if err == nil {
		return fmt.Errorf("table: %s shows no columns in system.columns to this account; %s", table, grant(table, cfg.Username))
	}
	return explain(err, table, cfg)
}

// explained is an error that says already what can be done about it.
type explained struct{ error }

func (e *explained) Unwrap() error { return e.error }

// explain adds to an error of the server what can be done about it.
func explain(err error, table tableName, cfg Config) error {
	var done *explained
	switch {
	case errors.As(err, &done):
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownDatabase) && cfg.Database != "" && cfg.Database != table.database:
		return &explained{fmt.Errorf("database: the server has no database %q: correct the key database, or leave it out, "+
			"for tables are named in full (%w)", cfg.Database, err)}
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownTable, configclickhouse.CodeUnknownDatabase):
		return &poll.WaitError{Err: fmt.Errorf("table: %s does not exist yet: %s", table, absenceRemedy(table))}
	case configclickhouse.HasCode(err, configclickhouse.CodeUnknownCluster):
		return &explained{fmt.Errorf("all_replicas: the server knows no cluster %q: correct the key; SELECT DISTINCT cluster FROM system.clusters "+
			"lists them, ClickHouse Cloud's is called default (%w)", cfg.AllReplicas, err)}
	case configclickhouse.HasCode(err, configclickhouse.CodeReadonly):
		return &explained{fmt.Errorf("all_replicas: the account's profile is readonly = 1, which does not let it pass over servers that are away "+
			"(setting skip_unavailable_shards): give it a profile with readonly = 2 (%w)", err)}
	case configclickhouse.HasCode(err, configclickhouse.CodeAccessDenied):
		return &explained{fmt.Errorf("the account may not read %s: %s (%w)", table, missingGrant(err, table, cfg.Username), err)}
	case configclickhouse.RefusesLogin(err):
		return &explained{fmt.Errorf("the server refuses the login: check username and password, and the hosts the account may come from (%w)", err)}
	}
	return err
}

func absenceRemedy(table tableName) string {
	if table.database != "system" {
		return "create it, or correct the key table"
	}
	return "the server writes it once <session_log> stands in its config.xml (it is commented out in the shipped one) " +
		"and somebody has logged in; it is read as soon as it is there"
}

var remoteGrant = regexp.MustCompile(`have the grant ((?:READ ON REMOTE|REMOTE ON \*\.\*|CREATE TEMPORARY TABLE)[A-Z *.,]*)`)

// missingGrant is the statement that gives what is missing.
func missingGrant(err error, table tableName, user string) string {
	if m := remoteGrant.FindStringSubmatch(err.Error()); m != nil {
		return "GRANT " + strings.TrimRight(m[1], " .") + " TO " + configclickhouse.AccountName(user)
	}
	return grant(table, user)
}

func grant(table tableName, user string) string {
	return "GRANT SELECT ON " + configclickhouse.Identifier(table.database) + "." + configclickhouse.Identifier(table.table) + " TO " + configclickhouse.AccountName(user)
}

// addExtras makes room in a block for the columns without a place of their own.
func (l *layout) addExtras(b *block) {
	for _, name := range l.names {
		b.extra = append(b.extra, extraColumn{key: session.SourceField + name, data: &nullableText{}})
	}
}
