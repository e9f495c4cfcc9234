package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Tally is what is known of events that have something in common.
type Tally struct {
	Count        int64     // of the events
	Failures     int64     // failed logins among them
	FirstSuccess time.Time // of a login; zero where there is none
	Last         time.Time // of any event, UTC
}

// Group is the events that have the same values.
type Group struct {
	Values []Cell // of the fields, in their order
	Tally
}

// PairColumns are what [Pairs] groups by.
var PairColumns = []string{"user_name", "client_address", "client_name"}

// InventoryColumns are what [Inventory] groups by.
var InventoryColumns = []string{"client_name", "client_version", "driver", "auth_method", "tls_version"}

// Pairs says who came from where with which client: the first success, the last event and the failures of each, newest first.
func Pairs(ctx context.Context, s Store, f Filter, limits Limits) ([]Group, Coverage, error) {
	return Groups(ctx, s, f, PairColumns, limits)
}

// Inventory says which clients, drivers and methods are in use, and since when no longer, newest first.
func Inventory(ctx context.Context, s Store, f Filter, limits Limits) ([]Group, Coverage, error) {
	return Groups(ctx, s, f, InventoryColumns, limits)
}

// Groups counts the events of a filter by the values of columns, newest first.
func Groups(ctx context.Context, s Store, f Filter, columns []string, limits Limits) ([]Group, Coverage, error) {
	var expressions []string
	var fields []*session.Field
	for _, column := range columns {
		field, err := scalarFieldOf(column)
		if err != nil {
			return nil, Coverage{}, err
		}
		fields, expressions = append(fields, field), append(expressions, s.AsText(field))
	}
	expressions = append(expressions, tallyExpressions(s)...)
	groups := map[string]*Group{}
	covered, err := EachSlice(ctx, s, f, 0, limits, func(where string) string {
		return s.Select(expressions...) + " FROM " + s.Table() + where + " GROUP BY " + groupedBy(s, 1, fields)
	}, func(ctx context.Context, sql string) error {
		rows, err := wholeRows(ctx, s, sql, len(expressions))
		for _, row := range rows {
			tally, err := readTally(row[len(columns):])
			if err != nil {
				return err
			}
			key := KeyOf(row[:len(columns)])
			if groups[key] == nil {
				groups[key] = &Group{Values: row[:len(columns)]}
			}
			groups[key].addTally(tally)
		}
		return err
	})
	all := make([]Group, 0, len(groups))
	for _, g := range groups {
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(b.Last.Compare(a.Last), slices.CompareFunc(a.Values, b.Values, compareCells))
	})
	return all, covered, err
}

func scalarFieldOf(column string) (*session.Field, error) {
	f, err := FieldOf(column)
	if err == nil && IsList(f) {
		err = fmt.Errorf("%s: a list is no value to count by", column)
	}
	return f, err
}

func tallyExpressions(s Store) []string {
	ns := s.Nanoseconds()
	return []string{
		"count(*)",
		"sum(CASE WHEN kind = 'login' AND outcome = 'failure' THEN 1 ELSE 0 END)",
		"min(CASE WHEN kind = 'login' AND outcome = 'success' THEN " + ns + " ELSE " + maxTimeLiteral + " END)",
		"max(" + ns + ")",
	}
}

// maxTimeLiteral is a time that no event has.
const maxTimeLiteral = "9223372036854775807"

func readTally(cells []Cell) (t Tally, err error) {
	if t.Count, t.Failures, err = twoNumbers(cells[0].Text, cells[1].Text); err != nil {
		return t, err
	}
	first, last, err := twoNumbers(cells[2].Text, cells[3].Text)
	if first != math.MaxInt64 {
		t.FirstSuccess = time.Unix(0, first).UTC()
	}
	t.Last = time.Unix(0, last).UTC()
	return t, err
}

func (t *Tally) addTally(other Tally) {
	t.Count += other.Count
	t.Failures += other.Failures
	if t.FirstSuccess.IsZero() || !other.FirstSuccess.IsZero() && other.FirstSuccess.Before(t.FirstSuccess) {
		t.FirstSuccess = other.FirstSuccess
	}
	if t.Last.Before(other.Last) {
		t.Last = other.Last
	}
}

// groupedBy is what follows GROUP BY for fields whose texts are the expressions from an ordinal on: where stores group fast their columns, which
// are compared in less time than their texts.
func groupedBy(s Store, ordinal int, fields []*session.Field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		if all[i] = strconv.Itoa(ordinal + i); s.GroupsFast() {
			all[i] = f.Column
		}
	}
	return strings.Join(all, ", ")
}

// KeyOf is a text that is the same for the same cells, and for them alone: the key of a map of rows.
func KeyOf(cells []Cell) string {
	var b strings.Builder
	for _, c := range cells {
		if c.Absent {
			b.WriteByte('-')
			continue
		}
		b.WriteString(strconv.Itoa(len(c.Text)))
		b.WriteByte(':')
		b.WriteString(c.Text)
	}
	return b.String()
}

func compareCells(a, b Cell) int {
	if a.Absent != b.Absent {
		if a.Absent {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Text, b.Text)
}

// Value is one of a field, with how many events have it.
type Value struct {
	Cell
	Count int64 // of events with it
}

// Facet is the values of one field, the most frequent first.
type Facet struct {
	Column string  // of the field
	Values []Value // at most as many as were asked for
	Others int64   // events with values that are not among Values
}

// FacetColumns are those that people narrow a search by.
var FacetColumns = []string{
	"kind", "outcome", "system", "instance", "user_name", "user_type", "client_address", "client_name", "driver", "database_name", "auth_method", "error_type",
}

// Facets counts the values of columns over the events of a filter, each the most frequent of top, in one pass over the rows.
func Facets(ctx context.Context, s Store, f Filter, columns []string, top int, limits Limits) ([]Facet, Coverage, error) {
	fields := make([]*session.Field, len(columns))
	for i, column := range columns {
		field, err := scalarFieldOf(column)
		if err != nil {
			return nil, Coverage{}, err
		}
		fields[i] = field
	}
	counts := emptyCounts(len(columns))
	statement, count := facetSQL, countGrouped
	if !s.GroupsFast() {
		statement, count = valuesSQL, countRows
	}
	covered, err := EachSlice(ctx, s, f, 0, limits, func(where string) string { return statement(s, fields, where) }, func(ctx context.Context, sql string) error {
		slice := emptyCounts(len(columns))
		if err := count(ctx, s, sql, slice); err != nil {
			return err
		}
		for i, of := range slice {
			for cell, n := range of {
				counts[i][cell] += n
			}
		}
		return nil
	})
	facets := make([]Facet, len(columns))
	for i, column := range columns {
		facets[i] = mostFrequent(column, counts[i], top)
	}
	return facets, covered, err
}

func emptyCounts(columns int) []map[Cell]int64 {
	counts := make([]map[Cell]int64, columns)
	for i := range counts {
		counts[i] = map[Cell]int64{}
	}
	return counts
}

func countGrouped(ctx context.Context, s Store, sql string, counts []map[Cell]int64) error {
	for row, err := range s.Rows(ctx, sql, 3) {
		if err != nil {
			return err
		}
		column, count, err := twoNumbers(row[0].Text, row[2].Text)
		if err != nil {
			return err
		}
		counts[column][row[1]] += count
	}
	return nil
}

func countRows(ctx context.Context, s Store, sql string, counts []map[Cell]int64) error {
	for row, err := range s.Rows(ctx, sql, len(counts)) {
		if err != nil {
			return err
		}
		for i, cell := range row {
			counts[i][cell]++
		}
	}
	return nil
}

func valuesSQL(s Store, fields []*session.Field, where string) string {
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = s.AsText(f)
	}
	return s.Select(columns...) + " FROM " + s.Table() + where
}

// facetSQL counts every field's values in one pass, each of which has a grouping of its own.
func facetSQL(s Store, fields []*session.Field, where string) string {
	var number, value strings.Builder
	sets := make([]string, len(fields))
	for i, f := range fields {
		counts := " WHEN GROUPING(" + f.Column + ") = 0 THEN "
		number.WriteString(counts + strconv.Itoa(i))
		value.WriteString(counts + s.AsText(f))
		sets[i] = "(" + f.Column + ")"
	}
	return s.Select("CASE"+number.String()+" END", "CASE"+value.String()+" END", "count(*)") + " FROM " + s.Table() + where + " GROUP BY GROUPING SETS (" + strings.Join(sets, ", ") + ")"
}

func mostFrequent(column string, counts map[Cell]int64, top int) Facet {
	facet := Facet{Column: column}
	for cell, count := range counts {
		facet.Values = append(facet.Values, Value{cell, count})
	}
	slices.SortFunc(facet.Values, func(a, b Value) int { return cmp.Or(cmp.Compare(b.Count, a.Count), compareCells(a.Cell, b.Cell)) })
	if top > 0 && len(facet.Values) > top {
		for _, v := range facet.Values[top:] {
			facet.Others += v.Count
		}
		facet.Values = facet.Values[:top]
	}
	return facet
}
