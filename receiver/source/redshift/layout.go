package redshift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/otel-sessionlog/sessionlog/config/configpostgresql"
	"github.com/otel-sessionlog/sessionlog/receiver/source/poll"
	"github.com/otel-sessionlog/sessionlog/session"
)

// tableLayout is a table and its columns, which differ with the cluster's version.
type tableLayout struct {
	table   string         // as SQL writes it
	columns []layoutColumn // the columns that are read, in the order of the SELECT; the time is the first
}

type layoutColumn struct {
	*logColumn          // nil for a column without a field in redshiftlog.Row
	expression   string // an expression
	attributeKey string // of a column without a field
}

// findLayout takes the first candidate that exists and may be read. Names and types come with the empty result of a
// SELECT: neither Redshift's catalog views nor PostgreSQL's know the other's tables.
func findLayout(ctx context.Context, l *heldConnection, candidates []string, user string) (*tableLayout, error) {
	var refused, missing []string
	for _, table := range candidates {
		var fields []pgconn.FieldDescription
		err := l.streamQuery(ctx, "SELECT * FROM "+table+" LIMIT 0", func(f []pgconn.FieldDescription) { fields = slices.Clone(f) }, nil)
		switch code := configpostgresql.SQLState(err); {
		case err == nil:
			return layoutOfFields(table, fields)
		case code == codeDenied:
			refused = append(refused, table)
		case slices.Contains(codesMissing, code):
			missing = append(missing, table)
		default:
			return nil, err
		}
	}
	if len(refused) > 0 {
		return nil, deniedError(refused[0], user)
	}
	return nil, &poll.WaitError{Err: fmt.Errorf("table: there is no table %s in this database: correct database, or name the table under table; it is read as soon as it is there",
		strings.Join(missing, " and none "))}
}

func layoutOfFields(table string, fields []pgconn.FieldDescription) (*tableLayout, error) {
	l := &tableLayout{table: table}
	var errs []error
	taken := make([]bool, len(fields))
	for i := range logColumns {
		c := &logColumns[i]
		at := slices.IndexFunc(fields, func(f pgconn.FieldDescription) bool { return slices.Contains(c.names, f.Name) })
		if at < 0 {
			if c.required {
				errs = append(errs, fmt.Errorf("table: %s has no column %s, which a connection log has; is it the right table?", table, strings.Join(c.names, " or ")))
			}
			continue
		}
		taken[at] = true
		if err := c.checkType(table, fields[at]); err != nil {
			errs = append(errs, err)
		}
		l.columns = append(l.columns, layoutColumn{logColumn: c, expression: quotedColumn(fields[at])})
	}
	for i, f := range fields {
		if !taken[i] {
			l.columns = append(l.columns, layoutColumn{expression: quotedColumn(f), attributeKey: session.SourceField + f.Name})
		}
	}
	return l, errors.Join(errs...)
}

func (c *logColumn) checkType(table string, f pgconn.FieldDescription) error {
	kinds := map[columnKind][]uint32{integerNumber: {pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID}, instantTime: {pgtype.TimestampOID, pgtype.TimestamptzOID}}
	if want := kinds[c.kind]; want == nil || slices.Contains(want, f.DataTypeOID) {
		return nil
	}
	words := map[columnKind]string{integerNumber: "an integer", instantTime: "a timestamp"}
	return fmt.Errorf("table: column %s of %s must be %s, as in %s", f.Name, table, words[c.kind], SystemTables[0])
}

// quotedColumn does not trim: trimming sixteen columns on the server takes four times what sending and trimming their blanks here does.
func quotedColumn(f pgconn.FieldDescription) string {
	return configpostgresql.QuoteIdentifier(f.Name)
}

func (l *tableLayout) bigintExpression(name string) string {
	for _, c := range l.columns {
		if c.logColumn != nil && c.names[0] == name {
			return "CAST(coalesce(" + c.expression + ", 0) AS bigint)"
		}
	}
	return "CAST(0 AS bigint)"
}

func (l *tableLayout) timeExpression() string { return l.columns[0].expression }

func (l *tableLayout) hashedRowsSQL(where string) string {
	return rowHashSQL(l.timeExpression(), l.bigintExpression("pid"), l.bigintExpression("duration"), l.table+where)
}

func (l *tableLayout) timeCondition(r poll.TimeRange) string {
	return " WHERE " + l.timeExpression() + " >= " + timestampLiteral(r.From) + " AND " + l.timeExpression() + " < " + timestampLiteral(r.To)
}

func (l *tableLayout) selectRowsSQL(r poll.TimeRange) string {
	list := make([]string, len(l.columns))
	for i, c := range l.columns {
		list[i] = c.expression
	}
	// By time alone: neither the table's columns nor the server's collation decide the order of ties.
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.table + l.timeCondition(r) + " ORDER BY " + l.timeExpression()
}

func (l *tableLayout) selectSumsSQL(r poll.TimeRange, span string, hashing bool) string {
	if !hashing {
		return "SELECT date_trunc('" + span + "', " + l.timeExpression() + "), count(*), 0 FROM " + l.table + l.timeCondition(r) + " GROUP BY 1 ORDER BY 1"
	}
	return "SELECT date_trunc('" + span + "', c_time), count(*), sum(CAST(c_hash AS numeric(38, 0))) FROM (" + l.hashedRowsSQL(l.timeCondition(r)) + ") h GROUP BY 1 ORDER BY 1"
}

// sampleRows is how many hashes of the server are compared with ours.
const sampleRows = "64"

func (l *tableLayout) selectSampleSQL(r poll.TimeRange) string {
	return "SELECT c_pid, c_spent, c_hash FROM (" + l.hashedRowsSQL(l.timeCondition(r)) + ") h LIMIT " + sampleRows
}
