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

// layout is what the log is made of: a table, and where its columns go. Clusters of different age have different ones.
type layout struct {
	table string // as SQL spells it
	cells []cell // the columns that are read, in the order of the SELECT; the time is the first
}

// cell is a column of the table: one of ours, or one more.
type cell struct {
	*column        // nil for one that has no place of its own
	sql     string // an expression
	key     string // attribute key of one without a place
}

// readLayout takes the first candidate that is there and may be read. Names and types come with the empty answer of a
// SELECT: neither Redshift's catalog views nor PostgreSQL's know the other's tables.
func readLayout(ctx context.Context, l *link, candidates []string, user string) (*layout, error) {
	var refused, missing []string
	for _, table := range candidates {
		var fields []pgconn.FieldDescription
		err := l.query(ctx, "SELECT * FROM "+table+" LIMIT 0", func(f []pgconn.FieldDescription) { fields = slices.Clone(f) }, nil)
		switch code := configpostgresql.Code(err); {
		case err == nil:
			return newLayout(table, fields)
		case code == codeDenied:
			refused = append(refused, table)
		case slices.Contains(codesMissing, code):
			missing = append(missing, table)
		default:
			return nil, err
		}
	}
	if len(refused) > 0 {
		return nil, denied(refused[0], user)
	}
	return nil, &poll.WaitError{Err: fmt.Errorf("table: there is no table %s in this database: correct database, or name the table under table; it is read as soon as it is there",
		strings.Join(missing, " and none "))}
}

func newLayout(table string, fields []pgconn.FieldDescription) (*layout, error) {
	l := &layout{table: table}
	var errs []error
	taken := make([]bool, len(fields))
	for i := range columns {
		c := &columns[i]
		at := slices.IndexFunc(fields, func(f pgconn.FieldDescription) bool { return slices.Contains(c.names, f.Name) })
		if at < 0 {
			if c.required {
				errs = append(errs, fmt.Errorf("table: %s has no column %s, which a connection log has; is it the right table?", table, strings.Join(c.names, " or ")))
			}
			continue
		}
		taken[at] = true
		if err := c.check(table, fields[at]); err != nil {
			errs = append(errs, err)
		}
		l.cells = append(l.cells, cell{column: c, sql: expression(fields[at])})
	}
	for i, f := range fields {
		if !taken[i] {
			l.cells = append(l.cells, cell{sql: expression(f), key: session.SourceField + f.Name})
		}
	}
	return l, errors.Join(errs...)
}

// check makes sure that a column can be reckoned with. Whatever it is, it comes as text.
func (c *column) check(table string, f pgconn.FieldDescription) error {
	kinds := map[kind][]uint32{integer: {pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID}, instant: {pgtype.TimestampOID, pgtype.TimestamptzOID}}
	if want := kinds[c.kind]; want == nil || slices.Contains(want, f.DataTypeOID) {
		return nil
	}
	words := map[kind]string{integer: "an integer", instant: "a timestamp"}
	return fmt.Errorf("table: column %s of %s must be %s, as in %s", f.Name, table, words[c.kind], SystemTables[0])
}

// expression is a column's name. Blanks that pad characters are sent along: trimming sixteen columns on the server takes
// four times what sending and trimming them here does.
func expression(f pgconn.FieldDescription) string {
	return configpostgresql.QuoteIdentifier(f.Name)
}

// bigint is the expression of the column with this name, as a bigint.
func (l *layout) bigint(name string) string {
	for _, c := range l.cells {
		if c.column != nil && c.names[0] == name {
			return "CAST(coalesce(" + c.sql + ", 0) AS bigint)"
		}
	}
	return "CAST(0 AS bigint)"
}

// time is the expression of the column with the time.
func (l *layout) time() string { return l.cells[0].sql }

// hashed is the table with hashes, of the rows that where selects.
func (l *layout) hashed(where string) string {
	return hashSQL(l.time(), l.bigint("pid"), l.bigint("duration"), l.table+where)
}

// within bounds the time.
func (l *layout) within(r poll.Range) string {
	return " WHERE " + l.time() + " >= " + timestamp(r.From) + " AND " + l.time() + " < " + timestamp(r.To)
}

// readSQL asks for rows. The server sorts by time alone; rows of one time are sorted by us, so that neither the table's
// columns nor the server's collation decide about their order.
func (l *layout) readSQL(r poll.Range) string {
	list := make([]string, len(l.cells))
	for i, c := range l.cells {
		list[i] = c.sql
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.table + l.within(r) + " ORDER BY " + l.time()
}

// sumsSQL asks for start, count and sum of hashes of each span that has rows. span is minute or day.
func (l *layout) sumsSQL(r poll.Range, span string, hashing bool) string {
	if !hashing {
		return "SELECT date_trunc('" + span + "', " + l.time() + "), count(*), 0 FROM " + l.table + l.within(r) + " GROUP BY 1 ORDER BY 1"
	}
	return "SELECT date_trunc('" + span + "', c_time), count(*), sum(CAST(c_hash AS numeric(38, 0))) FROM (" + l.hashed(l.within(r)) + ") h GROUP BY 1 ORDER BY 1"
}

// sampleRows are enough to see whether the server reckons as we do.
const sampleRows = "64"

func (l *layout) sampleSQL(r poll.Range) string {
	return "SELECT c_pid, c_spent, c_hash FROM (" + l.hashed(l.within(r)) + ") h LIMIT " + sampleRows
}
