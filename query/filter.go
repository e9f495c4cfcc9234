package query

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Filter says which events a question is about: those within a time that meet the conditions of every field. Conditions of one field that do not
// exclude are alternatives.
type Filter struct {
	From       time.Time   // zero: from the oldest
	Until      time.Time   // not included; zero: to the newest
	Conditions []Condition // of different fields all, of one field any but those that exclude
}

// Match says how a value is compared.
type Match uint8

// The ways to compare.
const (
	Equals Match = iota
	BeginsWith
	IsAbsent
	InNetwork
)

// Condition is what is asked of one field.
type Condition struct {
	Field   *session.Field // of [session.Fields], with a column that can be searched ([FieldOf])
	Match   Match          // how Value is compared; 0 is [Equals]
	Value   string         // as [Store.AsText] writes it; of lists one element; "" with IsAbsent; 10.0.0.0/8 or 2001:db8::/32 with InNetwork
	Exclude bool           // events that meet it are left out
}

// FieldOf finds a field that conditions can name, by its column.
func FieldOf(column string) (*session.Field, error) {
	i := slices.IndexFunc(session.Fields, func(f session.Field) bool { return f.Column == column })
	if i < 0 || !isSearchable(&session.Fields[i]) {
		return nil, fmt.Errorf("%q is no column that can be searched: there are %s", column, strings.Join(searchableColumns(), ", "))
	}
	return &session.Fields[i], nil
}

// MustFieldOf is [FieldOf] for a column that the program itself names. It panics where no condition can name it.
func MustFieldOf(column string) *session.Field {
	f, err := FieldOf(column)
	if err != nil {
		panic(err)
	}
	return f
}

func searchableColumns() (all []string) {
	for i := range session.Fields {
		if isSearchable(&session.Fields[i]) {
			all = append(all, session.Fields[i].Column)
		}
	}
	return all
}

// isSearchable leaves out times, which have a range of their own, and what is no single value or list of them.
func isSearchable(f *session.Field) bool {
	switch f.In(&session.Event{}).(type) {
	case *[]session.Setting, *[]session.Attr:
		return false
	}
	return f.Name != "Time" && f.Name != "Observed" && f.Column != ""
}

// IsList reports whether a field has several values.
func IsList(f *session.Field) bool {
	_, list := f.In(&session.Event{}).(*[]string)
	return list
}

func isNumber(f *session.Field) bool {
	switch f.In(&session.Event{}).(type) {
	case *int32, *int64, *uint32:
		return true
	}
	return false
}

// identityBytes is how many bytes a field of ids has; 0 for others.
func identityBytes(f *session.Field) int {
	switch f.In(&session.Event{}).(type) {
	case *session.ID, *[16]byte:
		return 16
	case *[8]byte:
		return 8
	}
	return 0
}

func (c Condition) checkValue() error {
	_, err := c.sqlLiteral(nil)
	return err
}

// sqlLiteral is the value in a statement of a store; without a store it is only checked.
func (c Condition) sqlLiteral(s Store) (string, error) {
	bytes := identityBytes(c.Field)
	switch {
	case c.Match == IsAbsent:
		return "", nil
	case c.Match == InNetwork:
		_, err := c.parsedNetwork()
		return "", err
	case c.Match == BeginsWith && (bytes > 0 || isNumber(c.Field) || IsList(c.Field)):
		return "", fmt.Errorf("%s: only texts have a beginning: write the whole value", c.Field.Column)
	case bytes > 0:
		id, err := hex.DecodeString(strings.ReplaceAll(c.Value, "-", ""))
		if err != nil || len(id) != bytes {
			return "", fmt.Errorf("%s: %q is no id of %d bytes in hexadecimal digits", c.Field.Column, c.Value, bytes)
		}
		if s == nil {
			return "", nil
		}
		return s.Identity(c.Field, id), nil
	case isNumber(c.Field):
		n, err := strconv.ParseInt(c.Value, 10, 64)
		if err != nil {
			return "", fmt.Errorf("%s: %q is no whole number", c.Field.Column, c.Value)
		}
		return strconv.FormatInt(n, 10), nil
	case s == nil:
		return "", nil
	}
	return s.Text(c.Value), nil
}

// sqlCondition is the condition in a statement.
func (c Condition) sqlCondition(s Store) (string, error) {
	literal, err := c.sqlLiteral(s)
	if err != nil {
		return "", err
	}
	switch {
	case c.Match == IsAbsent:
		return s.Absent(c.Field), nil
	case c.Match == BeginsWith && c.Value == "":
		return "NOT (" + s.Absent(c.Field) + ")", nil
	case c.Match == BeginsWith:
		return s.HasPrefix(c.Field, c.Value), nil
	case c.Match == InNetwork:
		network, err := c.parsedNetwork()
		return s.InNetwork(c.Field, network), err
	case IsList(c.Field):
		return s.Contains(c.Field, c.Value), nil
	case c.neverHeld():
		return neverTrueCondition, nil
	}
	return s.Equals(c.Field, literal), nil
}

// neverTrueCondition is a condition that no event meets.
const neverTrueCondition = "1 = 0"

// neverHeld reports whether some stores keep this value in the place of none: no event has it.
func (c Condition) neverHeld() bool {
	switch {
	case c.Field.Name == "User":
		return false
	case isNumber(c.Field):
		return strings.Trim(c.Value, "+-0") == ""
	case identityBytes(c.Field) > 0:
		return strings.Trim(c.Value, "-0") == ""
	}
	return c.Value == ""
}

// SQLConditions are those of a filter without its time, as a statement for s has them; an event has to meet them all. The error names every condition that is
// wrong.
func (f Filter) SQLConditions(s Store) ([]string, error) {
	var all []string
	var errs []error
	alternatives := map[string][]string{}
	var columns []string
	for _, c := range f.Conditions {
		sql, err := c.sqlCondition(s)
		switch {
		case err != nil:
			errs = append(errs, err)
		case c.Exclude:
			all = append(all, "NOT coalesce("+sql+", FALSE)")
		default:
			if alternatives[c.Field.Column] == nil {
				columns = append(columns, c.Field.Column)
			}
			alternatives[c.Field.Column] = append(alternatives[c.Field.Column], sql)
		}
	}
	for _, column := range columns {
		if len(alternatives[column]) == 1 {
			all = append(all, alternatives[column][0])
			continue
		}
		all = append(all, "("+strings.Join(alternatives[column], " OR ")+")")
	}
	return all, errors.Join(errs...)
}

// Bounds are the times of a filter in nanoseconds since 1970 UTC, within those that an event can have; until is not included.
func (f Filter) Bounds() (from, until int64) {
	return nanosecondsOr(f.From, math.MinInt64), nanosecondsOr(f.Until, math.MaxInt64)
}

// The years around the nanoseconds since 1970 that 64 bits can count.
const (
	firstYear = 1678
	lastYear  = 2261
)

func nanosecondsOr(t time.Time, otherwise int64) int64 {
	switch {
	case t.IsZero():
		return otherwise
	case t.Year() < firstYear:
		return math.MinInt64
	case t.Year() > lastYear:
		return math.MaxInt64
	}
	return t.UnixNano()
}
