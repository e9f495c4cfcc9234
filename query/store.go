// Package query asks what is stored about logins: how many there were over time, which values occur how often, single events, sessions, and who
// came from where with which client. It knows no backend: a [Store] is one, and its answers are the same for all.
//
// A question walks the time of its filter in slices, newest first, one statement each, until it has all or its time is up; then it says how far
// it came ([Coverage]).
package query

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Store is a backend that is asked. It only reads. Its statements name columns of session_events, and have values as literals, so that what is
// shown of a question is what ran.
type Store interface {
	// Table is what follows FROM: each event once.
	Table() string
	// TableNamed is what follows FROM for another of the program's tables.
	TableNamed(name string) string
	// Hexadecimal is the expression of a column of bytes as hexadecimal digits.
	Hexadecimal(column string) string
	// Disguised is the condition for rows with a cell that is not as the program writes it, though it reads the same: conditions do not find it.
	Disguised() string
	// Text is the literal of a text, in the form in which the store keeps it.
	Text(s string) string
	// Identity is the literal of an id for a column of ids.
	Identity(f *session.Field, id []byte) string
	// Between is the condition for events with from <= time < until, in nanoseconds since 1970 UTC.
	Between(from, until int64) string
	// Nanoseconds is the expression of an event's time as an integer.
	Nanoseconds() string
	// Equals is the condition for events that have a value in a field; literal is its literal, of [Store.Text] or [Store.Identity] or a number.
	Equals(f *session.Field, literal string) string
	// Absent is the condition for events without a value in a field.
	Absent(f *session.Field) string
	// Contains is the condition for events with a value among those of a field that is a list.
	Contains(f *session.Field, text string) string
	// HasPrefix is the condition for events whose field begins with a text.
	HasPrefix(f *session.Field, prefix string) string
	// InNetwork is the condition for events whose field is the text of an address in a network, as [ContainsAddress] has it. No other text makes the
	// statement fail.
	InNetwork(f *session.Field, network netip.Prefix) string
	// AsText is the expression of a field's value as a text, NULL where it is absent; ids are 32 or 16 hexadecimal digits in lower case.
	AsText(f *session.Field) string
	// GroupsFast reports whether counting values with GROUP BY costs less than handing out the rows.
	GroupsFast() bool
	// Divide is the expression of a whole number divided by a positive one, rounded towards zero.
	Divide(expression string, by int64) string

	// Select is the beginning of a statement that [Store.Rows] runs: SELECT and the expressions.
	Select(expressions ...string) string
	// NewestOf is a statement for the newest event of each of some keys that meets a further condition: of each key that has one, a row of the values
	// of the fields, as AsText has them, and of the time in nanoseconds. Rows of other values, and those without a time, mean nothing. The first field
	// is one by which events are looked up, and never absent.
	NewestOf(fields []*session.Field, keys [][]Cell, condition string) string
	// KeysAtOnce is how many keys a statement of NewestOf has: few where each costs as much, many where they cost little more than one.
	KeysAtOnce() int
	// Rows runs a statement of so many expressions. A row is valid until the next one. An error is the last that is yielded. A statement whose context
	// ends is interrupted on the server too; its error is the context's cause, and the next one can be run.
	Rows(ctx context.Context, sql string, expressions int) iter.Seq2[[]Cell, error]
	// Events reads whole events; table is [Store.Table], or that of conflicts, and tail what follows it. An event is valid until the next one.
	Events(ctx context.Context, table, tail string) iter.Seq2[*session.Event, error]
	// Summary is what the store has counted beside the events; known is false where it has not, or not enough of them.
	Summary(ctx context.Context) (summary Summary, known bool, err error)
	// Extent is the time of the oldest and of the newest event, in nanoseconds since 1970 UTC; found is false where there is none.
	Extent(ctx context.Context) (oldest, newest int64, found bool, err error)

	// Close ends the reading.
	Close() error
}

// Summary is what a [Store] has counted of successful logins that name a user. It outlives the events: what was seen once stays seen as long as it is seen
// again before the events expire. Each statement is exact at its moment, whatever is counted, inserted or deleted between two of them.
type Summary interface {
	// NewPairs is a statement for all pairs that logged in at or after a time, in nanoseconds since 1970 UTC, and not before it: rows of user_name, system,
	// instance and client_address.
	NewPairs(from int64) string
	// Hours is a statement for the hours in which users logged in on days since 1970 UTC, from begin on, so many as the shifts have: rows of user_name, system,
	// instance, the set that now makes of the hours, that which before makes, on how many days before has some, and the first of these days. Rows of one user are
	// to be united; where the store does not group fast, those of a day have its number last, and the newest day comes first. Users for whom now has nothing that before has not may be missing, and there may be some more days than are counted.
	Hours(begin int64, now, before []HourShift) string
}

// HourShift makes a set of 64 of the hours of days in UTC, bit 0 of which is 0:00 to 0:59.
type HourShift struct {
	By    int      // places upwards that these bits are moved
	Masks []uint32 // that are taken of each day's hours
}

// HoursColumns is how many expressions a statement of [Summary.Hours] has.
const HoursColumns = 7

// Cell is a value of a row.
type Cell struct {
	Text   string // as [Store.AsText] writes the column; "" where Absent
	Absent bool   // the event has no value
}

// ParseID reads the id that [Store.AsText] has written.
func (c Cell) ParseID() (id session.ID, err error) {
	bytes, err := hex.DecodeString(c.Text)
	if err != nil || len(bytes) != len(id) {
		return id, fmt.Errorf("%q is no id", c.Text)
	}
	return session.ID(bytes), nil
}

// wholeRows gives the rows of a statement once it has given all: of one that is interrupted there are none.
func wholeRows(ctx context.Context, s Store, sql string, expressions int) ([][]Cell, error) {
	var rows [][]Cell
	for row, err := range s.Rows(ctx, sql, expressions) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows, nil
}

// YieldEach yields what each hands to its function, which reports whether more is wanted. An error of each is yielded last, unless the caller has left.
func YieldEach[T any](each func(next func(T) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		more := true
		err := each(func(v T) bool {
			more = yield(v, nil)
			return more
		})
		if err != nil && more {
			var none T
			yield(none, err)
		}
	}
}
