// Package poll reads tables of authentication events that a server keeps and that can only be asked again and again. One
// mechanism, the delivery log, serves overlap, late rows, reconciliation and backlogs: the server sums up its rows by minute,
// the sums are compared with those of what was delivered, and minutes that differ are read.
//
// Times are microseconds since 1970 UTC, by the server's clock.
package poll

import (
	"context"
	"math"
	"time"

	"github.com/otel-sessionlog/sessionlog/session"
)

// Widths of the spans that rows are summed up by, in microseconds.
const (
	SecondMicros int64 = 1_000_000
	MinuteMicros       = 60 * SecondMicros
	DayMicros          = 1440 * MinuteMicros
)

// TimeRange is the times from <= t < To.
type TimeRange struct{ From, To int64 }

// AllTimes is the range of all times.
var AllTimes = TimeRange{math.MinInt64, math.MaxInt64}

func (r TimeRange) intersectRange(o TimeRange) TimeRange {
	return TimeRange{max(r.From, o.From), min(r.To, o.To)}
}

// Sum is what there is of a span: the number of rows and the sum, modulo 2^64, of their hashes. Sums of spans add up.
type Sum struct {
	Start int64 // of the span; a multiple of its width, rounded down
	Tally
}

// Tally is a number of rows and the sum of their hashes.
type Tally struct{ Count, Hash uint64 }

func (t Tally) sumWith(o Tally) Tally { return Tally{t.Count + o.Count, t.Hash + o.Hash} }

// Table is what a source of polled rows has to offer. It is called by one goroutine. It connects, and connects again
// after an error, by itself; an error means that the call is to be tried again later.
type Table interface {
	// Now is the server's clock.
	Now(ctx context.Context) (int64, error)
	// Sums yields the spans of this width (Minute or Day) that have rows within r, in order of time. The hash of a row is
	// whatever the server and the client can both compute, of columns in which rows differ.
	Sums(ctx context.Context, r TimeRange, width int64, yield func(Sum)) error
	// Read yields the rows within r in blocks, in order of time, rows of one time in an order that never changes.
	Read(ctx context.Context, r TimeRange, yield func(Rows) error) error
	// Refresh forgets what the table is made of (its columns, the tables behind it), before rows are believed to be gone.
	Refresh()
}

// CountingTable is a [Table] that can count rows without reading what their hashes are made of, which is most of what sums read.
type CountingTable interface {
	Table
	// Counts is Sums without hashes.
	Counts(ctx context.Context, r TimeRange, width int64, yield func(Sum)) error
}

// DelayedTable is a [Table] whose youngest rows are left alone for a while, because what is to be said of them is written by
// others meanwhile. Rows from the future are read like any other: waiting for their time could take for ever.
type DelayedTable interface {
	Table
	// MinAge is the age at which rows are read.
	MinAge() time.Duration
}

// UpdatingTable is a [Table] that learns more about rows that were delivered before.
type UpdatingTable interface {
	Table
	// DeliverUpdates is called at the end of each poll, when all rows within r have been delivered, which are all that are wanted up
	// to its end. deliver returns nil when the pipeline has the events; any error of DeliverUpdates has the poll tried again.
	DeliverUpdates(ctx context.Context, r TimeRange, deliver func(ctx context.Context, events []session.Event) error) error
}

// MultiServer is a [Table] whose address may lead to several servers, each with rows of its own.
type MultiServer interface {
	Table
	// ServersVary is not nil while rows may be missing because another server has answered. It is the status of a poll that
	// succeeded, and no row counts as vanished.
	ServersVary() error
}

// EmissionObserver is a block of [Rows] that wants to know which of its events are delivered now: not those that were before.
type EmissionObserver interface {
	Rows
	// Emitted is called for row i, after Event.
	Emitted(i int)
}

// Rows is a block of rows. It is valid until the callback that got it returns, the strings of its events for ever.
type Rows interface {
	Len() int
	Micros(i int) int64
	Hash(i int) uint64
	// Event fills e, or says why row i has none. Rows are asked for once, in order.
	Event(i int, e *session.Event) Verdict
	// DescribeBad says of a bad row where it is and what is wrong, without any value of it.
	DescribeBad(i int) (place string, reason error)
}

// WaitError is the error of a table that is not there yet: it is asked for at each poll, without a back-off.
type WaitError struct{ Err error }

func (e *WaitError) Error() string { return e.Err.Error() }

// Unwrap is the reason.
func (e *WaitError) Unwrap() error { return e.Err }

// Verdict says what a row is.
type Verdict uint8

// The verdicts.
const (
	VerdictDeliver Verdict = iota // an event
	VerdictExclude                // left out on purpose
	VerdictBad                    // cannot be read
)

// floorToWidth rounds down to a multiple of width, before 1970 too.
func floorToWidth(t, width int64) int64 {
	q := t / width
	if t%width < 0 {
		q--
	}
	return q * width
}
